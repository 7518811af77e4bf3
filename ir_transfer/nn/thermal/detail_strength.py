"""Expected strength of detail by image content, relative to the contrast of the RGB image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ir_transfer.nn.precision import at_least_float32, full_precision

_RANGE = 2.0  # of the logarithm: factors of 1 / 7.4 to 7.4


class DetailStrength(nn.Module):
    """Factor of the detail, predicted at stride 8.

    At night, foliage has much contrast in an RGB image and little in long-wave infrared, and clothes the reverse.
    Unlike its sign, the strength of detail can be predicted. The factor is 1 before training.

    Args:
        width: Channels of the neck's level at stride 8.
    """

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.head = nn.Conv2d(width, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, level: Tensor) -> Tensor:
        """Return the factor (B, 1, h, w), in float32 or better, for the neck's level at stride 8 (B, C, h, w)."""
        with full_precision(level):
            return torch.exp(_RANGE * torch.tanh(self.head(at_least_float32(level)) / _RANGE))
