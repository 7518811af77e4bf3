"""Gram matrices of features."""

from __future__ import annotations

import torch
from torch import Tensor


def gram_matrix(features: Tensor) -> Tensor:
    """Return ``Phi Phi^T / N`` (B, C, C) of features (B, C, H, W) at N = HW positions, in float32 or better."""
    with torch.autocast(features.device.type, enabled=False):
        flat = features.flatten(2).to(torch.promote_types(features.dtype, torch.float32))
        return flat @ flat.mT / flat.shape[-1]
