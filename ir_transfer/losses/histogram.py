"""Distance of intensity distributions, independent of position."""

import torch
from torch import Tensor

from ir_transfer.losses.base import Scene

_STRIDE = 7  # a seventh of the pixels gives the same histogram


def histogram(scene: Scene) -> Tensor:
    """Return the mean distance () of the sorted intensities of output and ground truth (the 1-Wasserstein distance).

    It penalises a lack of contrast independent of where the contrast is.
    """
    pair = [image.flatten(1)[:, ::_STRIDE] for image in (scene.output, scene.truth)]
    if scene.valid is None:
        return _distance(*pair).mean()
    seen = scene.valid.flatten(1)[:, ::_STRIDE]
    found = [
        _distance(output[mask][None], truth[mask][None]) if bool(mask.any()) else output[:0].sum()[None]
        for output, truth, mask in zip(*pair, seen, strict=True)
    ]
    return torch.cat(found).mean()


def _distance(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean difference (B,) of sorted values (B, N)."""
    return (output.sort(dim=1).values - truth.sort(dim=1).values).abs().mean(dim=1)
