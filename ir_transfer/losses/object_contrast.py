"""Apparent contrast of people and vehicles against the ring of background around them."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, CANONICAL_MEAN, Scene

_CELL = 4
_REACH = 15  # cells of the window in which an object is compared with its ring
_LEAST_RING = 0.02  # share of the window
_LARGEST = 2.5  # deviations: larger contrasts of the ground truth are capped


def people_contrast(scene: Scene) -> Tensor:
    """Return the mean shortfall of people's contrast against the ground truth's, in deviations (scalar, >= 0)."""
    return _shortfall(scene, (1,))


def vehicle_contrast(scene: Scene) -> Tensor:
    """Return the mean shortfall of vehicles' contrast against the ground truth's, in deviations (scalar, >= 0)."""
    return _shortfall(scene, (3,))


def _shortfall(scene: Scene, wanted: tuple[int, ...]) -> Tensor:
    """One-sided, and only where the ground truth's contrast is positive: before a warm wall, people are dark."""
    if scene.classes is None:
        return scene.output[..., :0].sum()  # zero, with a gradient like every other loss
    likely = scene.classes[:, list(wanted)].sum(1, keepdim=True)
    inside = likely * (likely > 0.5).to(likely)
    near, far = (F.max_pool2d(likely, side, 1, side // 2) for side in (3, 9))
    ring = (far - near).clamp(min=0) * (far > 0.5).to(likely)
    pair = ((image - CANONICAL_MEAN) / CANONICAL_DEVIATION for image in (scene.output, scene.truth))
    found, asked = (_contrast(F.avg_pool2d(image, _CELL), inside, ring) for image in pair)
    # The middle of an object that fills the window has no ring within the window.
    counted = inside * ((asked > 0.1) & (_box(ring) > _LEAST_RING)).to(inside)
    short = F.relu(asked.clamp(max=_LARGEST) - found)
    return (counted * short).sum() / (counted.sum() + 1e-3 * counted.numel())


def _contrast(image: Tensor, inside: Tensor, ring: Tensor) -> Tensor:
    def local_mean(weight: Tensor) -> Tensor:
        return _box(image * weight) / (_box(weight) + 1e-4)

    return local_mean(inside) - local_mean(ring)


def _box(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _REACH, 1, _REACH // 2, count_include_pad=False)
