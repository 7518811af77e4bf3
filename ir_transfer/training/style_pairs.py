"""Which pairs a look is learned from: those whose ground truths resemble its exemplars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_files import to_unit
from ir_transfer.nn.thermal.exemplar_encoder import standardised

Floats = NDArray[np.float64]

_SIZE = (64, 80)
_RANKS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
_BANDS = 4  # of rows, from the sky down to the road
_SCALES = (2, 4, 8)
_SHARPNESS = 0.1  # of the assignment, in mean distances
_ROUNDS = 200


def describe(infrared: OutputLevels) -> Floats:
    """Return what an infrared image (H, W), white-hot, shows in canonical tone, as a vector.

    Quantiles say what is rare and what is common, means of four bands of rows whether sky or ground is warm, and the
    logarithms of the deviations of three octaves how fine its structure is. Gain and offset do not matter.
    """
    image = torch.from_numpy(np.ascontiguousarray(to_unit(infrared)))[None, None].double()
    small = standardised(F.interpolate(image, _SIZE, mode="bilinear", antialias=True, align_corners=False))
    quantiles = torch.quantile(small.flatten(), torch.tensor(_RANKS, dtype=small.dtype))
    rows = F.adaptive_avg_pool2d(small, (_BANDS, 1)).flatten()
    return torch.cat([quantiles, rows, _octaves(small)]).numpy()


def assign_pairs(truths: Sequence[Floats], looks: Sequence[Sequence[Floats]]) -> NDArray[np.bool_]:
    """Return which ground truths (n,) each look (N, n) is learned from.

    Of several looks, every one takes about as many, and every ground truth goes to one: the assignment of least
    total distance whose parts are equal (entropic optimal transport, Cuturi 2013). A single look takes the nearer half.

    Args:
        truths: Descriptions of the ground truths.
        looks: Of the exemplars of each look.
    """
    described = np.stack(truths)
    spread = described.std(axis=0) + 1e-6
    distances = np.stack([
        np.min([np.linalg.norm((described - one) / spread, axis=1) for one in exemplars], axis=0) for exemplars in looks
    ])  # fmt: skip
    if len(looks) == 1:
        return np.asarray(distances <= np.median(distances))
    chosen = _balanced(distances / distances.mean()).argmax(axis=0)
    return np.asarray(chosen == np.arange(len(looks))[:, None])


def _balanced(costs: Floats) -> Floats:
    """Return the plan (N, n) of least cost whose rows have equal sums, and whose columns have."""
    plan = np.exp(-(costs - costs.min(axis=0)) / _SHARPNESS) + 1e-30
    for _ in range(_ROUNDS):
        plan /= plan.sum(axis=1, keepdims=True) * len(plan)
        plan /= plan.sum(axis=0, keepdims=True) * plan.shape[1]
    return np.asarray(plan)


def _octaves(image: Tensor) -> Tensor:
    blurred = [image, *(F.interpolate(F.avg_pool2d(image, scale), _SIZE, mode="bilinear") for scale in _SCALES)]
    bands = [(fine - coarse).std() for fine, coarse in pairwise(blurred)]
    return torch.stack(bands).clamp(min=1e-4).log()
