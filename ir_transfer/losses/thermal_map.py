"""Distance to the ground truth at low resolution, tolerant of a registration error of one cell."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene

_CELL = 4
_WINDOW = 8
_BETA = 0.3
_PEOPLE, _VEHICLES = 4.0, 1.5  # added to the weight 1 of every cell
_WEIGHTS = {"output": 3.0, "map": 1.0, "coarse": 2.0}


def thermal_map(scene: Scene) -> Tensor:
    """Return the weighted smooth L1 distance () of output and thermal map to the ground truth, in deviations.

    At a quarter of the size, every window of 8 x 8 cells uses the best of nine shifts by up to one cell, since pairs
    are registered to a few pixels at best; at a sixteenth no shift is applied. Cells of people have weight 5, cells
    of vehicles 2.5.
    """
    truth, output = (F.avg_pool2d(image, _CELL) / CANONICAL_DEVIATION for image in (scene.truth, scene.output))
    weight = object_weight(scene, truth) * scene.counted(truth)
    total = _WEIGHTS["output"] * _best_shift(output, truth, weight)
    if scene.thermal is not None:
        total = total + _WEIGHTS["map"] * _best_shift(scene.thermal / CANONICAL_DEVIATION, truth, weight)
    distance = F.smooth_l1_loss(F.avg_pool2d(output, _CELL), F.avg_pool2d(truth, _CELL), beta=_BETA, reduction="none")
    coarse_weight = F.avg_pool2d(weight, _CELL)
    coarse = (distance * coarse_weight).sum() / coarse_weight.sum().clamp(min=1e-6)
    return (total + _WEIGHTS["coarse"] * coarse) / sum(_WEIGHTS.values())


def map_correlation(scene: Scene) -> Tensor:
    """Return ``1 - r`` (), where r is the Pearson correlation with the ground truth over cells of 4 x 4 pixels."""
    output, truth = (F.avg_pool2d(image, _CELL) for image in (scene.output, scene.truth))
    return (1 - scene.correlation(output, truth, 1e-8)).mean()


def object_weight(scene: Scene, like: Tensor) -> Tensor:
    """Return the weight of every cell of ``like`` (B, 1, h, w): 5 for people, 2.5 for vehicles, 1 for the rest."""
    if scene.classes is None:
        return torch.ones_like(like)
    classes = F.adaptive_avg_pool2d(scene.classes, (like.shape[-2], like.shape[-1]))
    return 1 + _PEOPLE * classes[:, 1:2] + _VEHICLES * classes[:, 2:4].sum(1, keepdim=True)


def _best_shift(output: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    height, width = output.shape[-2:]
    padded = F.pad(truth, (1, 1, 1, 1), mode="replicate")
    costs = []
    for dy in range(3):
        for dx in range(3):
            shifted = padded[..., dy : dy + height, dx : dx + width]
            cost = weight * F.smooth_l1_loss(output, shifted, beta=_BETA, reduction="none")
            costs.append(F.avg_pool2d(cost, _WINDOW, ceil_mode=True))
    return torch.stack(costs).amin(0).mean() / weight.mean().clamp(min=1e-6)
