"""Normalised mutual information."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BINS = 64
"""Of equal width over the whole range [0, 1], the same for every picture."""


def normalised_mutual_information(output: Tensor, truth: Tensor) -> Tensor:
    """Return (H(a) + H(b)) / H(a, b) (B,), from 1 to 2 (Studholme et al. 1999, equation 8).

    1: knowing one picture tells nothing of the other, as for a flat picture. 2: each decides the other, also for a
    negative, so that it does not depend on polarity.

    Args:
        output: (B, 1, H, W) in [0, 1].
        truth: Same shape.
    """
    return torch.tensor([_one(a, b) for a, b in zip(output, truth, strict=True)], dtype=torch.float64)


def _one(a: Tensor, b: Tensor) -> float:
    levels = [(x.flatten().double().cpu().numpy() * BINS).astype(np.int64).clip(0, BINS - 1) for x in (a, b)]
    joint = np.bincount(levels[0] * BINS + levels[1], minlength=BINS * BINS).reshape(BINS, BINS) / levels[0].size
    both = _entropy(joint.ravel())
    return float((_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / both) if both > 0 else 1.0


def _entropy(shares: np.ndarray) -> float:
    used = shares[shares > 0]
    return float(-(used * np.log(used)).sum())
