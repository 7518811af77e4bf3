"""Distances of the output to the registered truth."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_HOT_GAIN = 8.0
_LEVELS = 5
_COARSE = 4


def charbonnier(scene: Scene) -> Tensor:
    """Return the Charbonnier distance, weighted towards what stands out of its surroundings.

    Weight ``1 + 8 |truth - blurred truth|``: people and engines cover few pixels, and a plain mean forgets them.
    """
    weight = 1 + _HOT_GAIN * (scene.truth - _surroundings(scene.truth)).abs()
    distance = ((scene.output - scene.truth) ** 2 + 1e-6).sqrt()
    return (weight * distance).mean() / weight.mean()


def coarse(scene: Scene) -> Tensor:
    """Return :func:`charbonnier` of both pictures at a quarter of their size.

    A pair is registered to a few pixels at best. Full resolution punishes a sharp edge that lies two pixels beside
    the truth's twice, a blurred one once; at a quarter there is nothing to gain by blur.
    """
    content, truth, output = (F.avg_pool2d(picture, _COARSE) for picture in (scene.content, scene.truth, scene.output))
    return charbonnier(Scene(content, truth, output))


def laplacian(scene: Scene) -> Tensor:
    """Return the L1 distance of Laplacian pyramids (Bojanowski et al. 2018): contrast at every scale counts.

    Errors where the truth is hotter than its surroundings count double.
    """
    output, truth = scene.output, scene.truth
    total = output.new_zeros(())
    for level in range(_LEVELS):
        output_low, truth_low = F.avg_pool2d(output, 2), F.avg_pool2d(truth, 2)
        size = output.shape[-2:]
        output_band = output - F.interpolate(output_low, size, mode="bilinear")
        truth_band = truth - F.interpolate(truth_low, size, mode="bilinear")
        hot = 1 + (truth_band > 0.02).to(truth.dtype)
        total = total + (2.0**level) ** 0.5 * (hot * (output_band - truth_band).abs()).mean()
        output, truth = output_low, truth_low
    return total


def hot_objects(scene: Scene) -> Tensor:
    """Return how far the output's local contrast falls short of the truth's where the truth is locally hot.

    One-sided on compact regions: a person who stays cold costs, a slightly too hot one does not.
    """
    truth = scene.truth - _surroundings(scene.truth)
    output = scene.output - _surroundings(scene.output)
    hot = ((truth - 0.08) / 0.12).clamp(0, 1)
    return (hot * F.relu(truth - output)).sum() / (hot.sum() + 1e-3 * hot.numel())


def correlation(scene: Scene) -> Tensor:
    """Return ``1 - r``, r the Pearson correlation of output and truth over each picture.

    Blind to gain and offset: where the exemplar leaves the tone open, a distance is smallest at gray, and this is not.
    """
    pair = torch.stack([scene.output, scene.truth]).flatten(2)
    pair = pair - pair.mean(dim=-1, keepdim=True)
    product = (pair[0] * pair[1]).mean(-1)
    return (1 - product / (pair.pow(2).mean(-1).prod(0) + 1e-6).sqrt()).mean()


def _surroundings(picture: Tensor) -> Tensor:
    """Return the local mean over about an eighth of the picture."""
    factor = 8
    small = F.avg_pool2d(picture, factor)
    small = F.avg_pool2d(small, 5, stride=1, padding=2, count_include_pad=False)
    return F.interpolate(small, picture.shape[-2:], mode="bilinear")


def l1(scene: Scene) -> Tensor:
    """Return the mean absolute difference."""
    return torch.nn.functional.l1_loss(scene.output, scene.truth)
