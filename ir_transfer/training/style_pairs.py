"""Assignment of training pairs to fixed styles, by the similarity of ground truths and exemplars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.nn.thermal.exemplar_encoder import standardised

Floats = NDArray[np.float64]

_SIZE = (64, 80)
_RANKS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
_BANDS = 4  # of rows
_SCALES = (2, 4, 8)
_SHARPNESS = 0.1  # of the assignment, in mean distances
_ROUNDS = 200


def describe_infrared(infrared: OutputLevels) -> Floats:
    """Return a descriptor (13,) of a white-hot infrared image (H, W), independent of gain and offset.

    It consists of six quantiles of the intensities, the means of four bands of rows, from sky to ground, and the
    logarithms of the deviations of three octaves of detail.
    """
    image = torch.from_numpy(np.ascontiguousarray(to_unit(infrared)))[None, None].double()
    small = standardised(F.interpolate(image, _SIZE, mode="bilinear", antialias=True, align_corners=False))
    quantiles = torch.quantile(small.flatten(), torch.tensor(_RANKS, dtype=small.dtype))
    rows = F.adaptive_avg_pool2d(small, (_BANDS, 1)).flatten()
    return torch.cat([quantiles, rows, _octaves(small)]).numpy()


def assign_pairs(truths: Sequence[Floats], styles: Sequence[Sequence[Floats]]) -> NDArray[np.bool_]:
    """Return which of n ground truths each of N styles is trained on, bool (N, n).

    With several styles, each ground truth is assigned to one of them, so that all styles get about the same number with
    the smallest total distance (entropic optimal transport, Cuturi 2013). A single style gets the nearer half.

    Args:
        truths: Descriptors of the ground truths.
        styles: Descriptors of the exemplars of each style.
    """
    described = np.stack(truths)
    spread = described.std(axis=0) + 1e-6
    distances = np.stack(
        [
            np.min([np.linalg.norm((described - one) / spread, axis=1) for one in exemplars], axis=0)
            for exemplars in styles
        ]
    )
    if len(styles) == 1:
        return np.asarray(distances <= np.median(distances))
    chosen = _balanced(distances / distances.mean()).argmax(axis=0)
    return np.asarray(chosen == np.arange(len(styles))[:, None])


def _balanced(costs: Floats) -> Floats:
    """Return the transport plan (N, n) of least cost with equal row sums and equal column sums."""
    plan = np.exp(-(costs - costs.min(axis=0)) / _SHARPNESS) + 1e-30
    for _ in range(_ROUNDS):
        plan /= plan.sum(axis=1, keepdims=True) * len(plan)
        plan /= plan.sum(axis=0, keepdims=True) * plan.shape[1]
    return np.asarray(plan)


def _octaves(image: Tensor) -> Tensor:
    blurred = [image, *(F.interpolate(F.avg_pool2d(image, scale), _SIZE, mode="bilinear") for scale in _SCALES)]
    bands = [(fine - coarse).std() for fine, coarse in pairwise(blurred)]
    return torch.stack(bands).clamp(min=1e-4).log()
