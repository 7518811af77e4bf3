"""CoMatch layer: matches second-order statistics of the exemplar with a learned matrix (Zhang and Dana 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ir_transfer.nn.wct import mix


class CoMatch(nn.Module):
    """Solves for features with the content's arrangement and the exemplar's Gram matrix.

    ``Y = Phi^-1 [Phi(F_c)^T W G(F_s)]^T`` (equation 4), Phi the reshaping of (C, H, W) to (C, HW). W is learned and
    balances content and style. If the exemplar is the content and W the inverse of its Gram matrix, Y is the content.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(channels))

    def forward(self, features: Tensor, gram: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Map features (B, C, H, W), given the exemplar's Gram matrix (B or 1, C, C); one matrix is applied per image.

        Args:
            features: Features of the content.
            gram: Gram matrix of the exemplar, from :func:`~ir_transfer.nn.gram.gram_matrix`.
            strength: 0 returns the features, 1 the match; a number or (B, 1).
        """
        with torch.autocast(features.device.type, enabled=False):
            matrix = (self.weight.to(gram.dtype) @ gram).transpose(-2, -1)  # ONNX has no mT
            identity = torch.eye(len(self.weight), dtype=gram.dtype, device=gram.device)
            share = strength[..., None] if isinstance(strength, Tensor) else strength
            matrix = (identity + (matrix - identity) * share).expand(len(features), -1, -1)
            return mix(features, matrix, features.new_zeros(len(features), features.shape[1]))
