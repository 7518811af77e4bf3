"""Top-down neck from content features to features at strides 4 and 2, with alignment to the style at every level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.content_encoder import CLASS_COUNT, ContentFeatures, class_probabilities

Align = Callable[[int, Tensor], Tensor]
"""Function from the number of a level and its features (B, C, h, w) to features with the style's statistics."""


class DepthwiseUnit(nn.Module):
    """``x + pointwise(silu(pointwise(depthwise(x))))`` with a 5x5 depthwise convolution.

    Args:
        channels: Input and output channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, padding_mode="replicate")
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(2 * channels, channels, 1)
        # Residual branches are initially small, so that depth has no effect at first (Zhang et al. 2019, Fixup).
        self.project.weight.data.mul_(0.25)
        nn.init.zeros_(self.project.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        branch: Tensor = self.project(F.silu(self.expand(self.depthwise(features))))
        return features + branch


class ThermalNeck(nn.Module):
    """Feature pyramid (Lin et al. 2017) over the content encoder's levels and its class probabilities.

    Args:
        inputs: Channels of the encoder's levels, finest first.
        widths: Channels of the neck's levels, finest first.
        depths: Units of each level.
    """

    def __init__(
        self,
        inputs: Sequence[int] = (16, 32, 64, 128, 160),
        widths: Sequence[int] = (32, 64, 96, 96, 96),
        depths: Sequence[int] = (1, 2, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        with_classes = [count + CLASS_COUNT * (level == 1) for level, count in enumerate(inputs)]
        self.laterals = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(with_classes, widths, strict=True))
        self.tops = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths[1:], widths, strict=False))
        self.units = nn.ModuleList(
            nn.Sequential(*(DepthwiseUnit(width) for _ in range(depth)))
            for width, depth in zip(widths, depths, strict=True)
        )

    def forward(self, content: ContentFeatures, align: Align) -> list[Tensor]:
        """Return the features of every level (B, C_l, h_l, w_l), finest first.

        Args:
            content: From the content encoder.
            align: Called with the number of each level and its features, coarsest first.
        """
        levels = list(content.levels)
        levels[1] = torch.cat([levels[1], class_probabilities(content.logits).to(levels[1])], dim=1)
        found: list[Tensor] = []
        for level in reversed(range(len(levels))):
            features = self.laterals[level](levels[level])
            if found:
                above = self.tops[level](found[-1])
                features = features + F.interpolate(above, features.shape[-2:], mode="bilinear", align_corners=False)
            found.append(self.units[level](align(level, features)))
        return found[::-1]
