"""Markov random field loss: distance of each feature patch to its nearest patch of the style image."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_LEVELS = ("relu3_1", "relu4_1")
_SIDE = 3
_STRIDE = 2  # neighbouring patches of the style image differ little, and the cost grows with their number


def mrf(scene: Scene) -> Tensor:
    """Return the mean squared distance () of feature patches to their nearest style patch (Li and Wand 2016, eq. 2).

    Patches of 3 x 3 features of relu3_1 and relu4_1, nearest by normalised correlation (equation 3). The result is
    divided by the mean square of the style patches, so that the weight does not depend on the network's scale.
    """
    total = scene.output.new_zeros((), dtype=torch.float32)
    for level in _LEVELS:
        pairs = zip(scene.output_features[level].float(), scene.truth_features[level].float(), strict=True)
        distances = [_nearest_distance(_patches(a, 1), _patches(b, _STRIDE)) for a, b in pairs]
        total = total + torch.stack(distances).mean()
    return total / len(_LEVELS)


def _patches(features: Tensor, stride: int) -> Tensor:
    """Return the patches (N, 9 C) of features (C, H, W)."""
    return F.unfold(features[None], _SIDE, stride=stride)[0].T


def _nearest_distance(patches: Tensor, style: Tensor) -> Tensor:
    with torch.no_grad():
        nearest = (F.normalize(patches, dim=1) @ F.normalize(style, dim=1).T).argmax(dim=1)
    wanted = style[nearest]
    return (patches - wanted).square().mean() / (style.square().mean() + 1e-12)
