"""Top-down neck from content features to features at stride 4, with alignment to the style at every level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.content_encoder import CLASS_COUNT, ContentFeatures, class_probabilities
from ir_transfer.nn.precision import at_least_float32, full_precision

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
        branch: Tensor = self.project(F.silu(self.expand(self._filtered(features))))
        return features + branch

    def _filtered(self, features: Tensor) -> Tensor:
        if features.device.type != "cpu" or not features.requires_grad:
            filtered: Tensor = self.depthwise(features)
        else:  # the backward pass takes 2.5 times as long on a CPU in bfloat16
            with full_precision(features):
                filtered = self.depthwise(at_least_float32(features))
        return filtered


class ThermalNeck(nn.Module):
    """Feature pyramid (Lin et al. 2017) over the content encoder's levels from stride 4 and its class probabilities.

    Args:
        inputs: Channels of the encoder's levels at strides 4, 8, 16 and 32.
        widths: Channels of the neck's levels, finest first.
        depths: Units of each level.
    """

    def __init__(
        self,
        inputs: Sequence[int] = (32, 64, 128, 160),
        widths: Sequence[int] = (64, 96, 96, 96),
        depths: Sequence[int] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.widths = tuple(widths)
        with_classes = [count + CLASS_COUNT * (level == 0) for level, count in enumerate(inputs)]
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
        levels = list(content.levels[1:])
        levels[0] = torch.cat([levels[0], class_probabilities(content.logits).to(levels[0])], dim=1)
        found: list[Tensor] = []
        for level in reversed(range(len(levels))):
            features = self.laterals[level](levels[level])
            if found:
                above = self.tops[level](found[-1])
                features = features + F.interpolate(above, features.shape[-2:], mode="bilinear", align_corners=False)
            found.append(self.units[level](align(level, features)))
        return found[::-1]
