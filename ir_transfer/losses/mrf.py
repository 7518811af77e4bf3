"""Markov random field: every patch should look like some patch of the look."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_LEVELS = ("relu3_1", "relu4_1")
_SIDE = 3
_STRIDE = 2  # neighbouring patches of the look differ little, and the work grows with their number


def mrf(scene: Scene) -> Tensor:
    """Return the squared distance of every feature patch to its nearest one of the look (Li and Wand 2016, equation 2).

    Patches of 3 x 3 features of relu3_1 and relu4_1, nearest by normalised correlation (equation 3). The mean square
    of the look's patches is divided out, so that networks of other scales need no other weight.
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


def _nearest_distance(patches: Tensor, look: Tensor) -> Tensor:
    with torch.no_grad():
        nearest = (F.normalize(patches, dim=1) @ F.normalize(look, dim=1).T).argmax(dim=1)
    wanted = look[nearest]
    return (patches - wanted).square().mean() / (look.square().mean() + 1e-12)
