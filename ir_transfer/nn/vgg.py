"""VGG-style encoder and mirrored decoder, for VGG-19 of the papers and for compact networks.

A *level* is a sequence of 3x3 convolutions at one resolution, with max pooling between levels. The paper's
VGG-19 to relu4_1 (Huang and Belongie 2017, section 4) is ``widths=(64, 128, 256, 512)``, ``depths=(2, 2, 4, 1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.heads import InfraredHead

Padding = Literal["reflect", "replicate", "zeros"]


class ConvRelu(nn.Module):
    """3x3 convolution with ReLU, optionally residual.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        padding: Padding mode.
        residual: Whether the input is added before the ReLU, which requires equal channels.
    """

    def __init__(self, in_channels: int, out_channels: int, padding: Padding, residual: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, padding_mode=padding)
        self.residual = residual
        # Residual branches are initially small, so that depth has no effect at first (Zhang et al. 2019, Fixup).
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        if residual:
            self.conv.weight.data.mul_(0.25)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H, W)."""
        y: Tensor = self.conv(x)
        return F.relu_(y + x if self.residual else y)


class VggEncoder(nn.Module):
    """Levels of convolutions with max pooling between them.

    Args:
        widths: Channels of each level.
        depths: Convolutions of each level.
        in_channels: Channels of the image.
        padding: Padding mode of every 3x3 convolution.
        residual: Whether the second and later convolutions of a level are residual.
        input_conv: Whether VGG's 1x1 input convolution (a fixed colour transform) is prepended.
    """

    def __init__(
        self,
        widths: Sequence[int],
        depths: Sequence[int],
        in_channels: int = 3,
        padding: Padding = "reflect",
        residual: bool = False,
        input_conv: bool = False,
    ) -> None:
        super().__init__()
        self.input = nn.Conv2d(in_channels, in_channels, 1) if input_conv else nn.Identity()
        self.levels = nn.ModuleList()
        before = in_channels
        for width, depth in zip(widths, depths, strict=True):
            convs = [ConvRelu(before if i == 0 else width, width, padding, residual and i > 0) for i in range(depth)]
            self.levels.append(nn.Sequential(*convs))
            before = width

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the last feature of every level: (B, C_l, ceil(H / 2^l), ceil(W / 2^l))."""
        features = []
        x = self.input(image)
        for index, level in enumerate(self.levels):
            x = level(F.max_pool2d(x, 2, ceil_mode=True) if index else x)
            features.append(x)
        return features


class MirrorDecoder(nn.Module):
    """Mirrored encoder: nearest-neighbour up-sampling instead of pooling, and a linear last convolution.

    Args:
        widths: Channels of the encoder's levels.
        depths: Convolutions of the encoder's levels.
        out_channels: Channels of the image; 1 for infrared.
        padding: Padding mode of every 3x3 convolution.
        residual: Whether convolutions that keep the width are residual.
        skips: Whether every level's feature is added after up-sampling, or the deepest one alone is used.
        head: Last layer; None for a 3x3 convolution to an image.
    """

    def __init__(
        self,
        widths: Sequence[int],
        depths: Sequence[int],
        out_channels: int = 1,
        padding: Padding = "reflect",
        residual: bool = False,
        skips: bool = False,
        head: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.skips = skips
        self.levels = nn.ModuleList()
        for index in reversed(range(len(widths))):
            width, depth = widths[index], depths[index]
            kept = [ConvRelu(width, width, padding, residual) for _ in range(depth - 1)]
            last = ConvRelu(width, widths[index - 1], padding) if index else nn.Identity()
            self.levels.append(nn.Sequential(*kept, last))
        if head is None:
            # Compact networks (residual, with skips) are unnormalised, so their head has a small gain.
            plain = nn.Conv2d(widths[0], out_channels, 3, padding=1, padding_mode=padding)
            head = InfraredHead(widths[0], out_channels) if skips else plain
        self.head = head

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map the encoder's features, shallowest first, to an image (B, out_channels, H, W).

        Odd sides need no padding: up-sampled features are cropped to the size of the skip at every level, or at the end
        without skips, where the result equals that of the published networks.
        """
        x = self.levels[0](features[-1])
        for level, skip in zip(self.levels[1:], reversed(features[:-1]), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            # Scaled so that the sum of two features has the variance of one.
            x = level((_cropped(x, skip) + skip) * math.sqrt(0.5) if self.skips else x)
        return _cropped(self.head(x), features[0])


def _cropped(x: Tensor, like: Tensor) -> Tensor:
    return x[..., : like.shape[-2], : like.shape[-1]]
