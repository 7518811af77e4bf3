"""How far a picture's distribution of intensities is from its exemplar's."""

from __future__ import annotations

import torch
from scipy.stats import wasserstein_distance
from torch import Tensor


def exemplar_distance(output: Tensor, exemplar: Tensor) -> Tensor:
    """Return the 1-Wasserstein distance (B,) of the pictures' intensities, a share of the range; sizes may differ.

    It is the area between the two quantile functions: how far a value must be moved on average.

    Args:
        output: (B, 1, H, W) in [0, 1].
        exemplar: (1 or B, 1, h, w) in [0, 1].
    """
    others = exemplar.expand(len(output), -1, -1, -1)
    pairs = zip(output, others, strict=True)
    found = [wasserstein_distance(*(p.flatten().double().cpu().numpy() for p in pair)) for pair in pairs]
    return torch.tensor(found, dtype=torch.float64)
