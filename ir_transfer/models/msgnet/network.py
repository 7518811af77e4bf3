"""Parts of the paper's MSG-Net: residual blocks of three sizes (Zhang and Dana 2017, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import channel_moments


class Normalised(nn.Module):
    """Instance normalisation (Ulyanov et al. 2016) with a learned scale and shift, then ReLU.

    Args:
        channels: Of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(1, channels)), nn.Parameter(torch.zeros(1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return F.relu_(adain(x, channel_moments(x), self.shift, self.scale))


class Block(nn.Module):
    """Residual bottleneck with normalisation before each convolution: 1x1, 3x3, 1x1 (He et al. 2016).

    To double the size, both branches are up-sampled by nearest neighbour, then convolved (figure 4 of the paper).

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        narrow: Channels of the bottleneck.
        scale: 1, 0.5 or 2.
    """

    def __init__(self, in_channels: int, out_channels: int, narrow: int, scale: float) -> None:
        super().__init__()
        self.up, stride = scale > 1, 2 if scale < 1 else 1
        keeps = in_channels == out_channels and scale == 1
        self.shortcut = nn.Identity() if keeps else nn.Conv2d(in_channels, out_channels, 1, stride)
        # A bias before a normalisation has no effect.
        self.norms = nn.ModuleList(Normalised(width) for width in (in_channels, narrow, narrow))
        self.enter = nn.Conv2d(in_channels, narrow, 1, bias=False)
        self.middle = nn.Conv2d(narrow, narrow, 3, stride, 1, bias=False, padding_mode="reflect")
        self.leave = nn.Conv2d(narrow, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', scale H, scale W)."""
        y = self.norms[1](self.enter(self.norms[0](x)))
        y = self.leave(self.norms[2](self.middle(self._sized(y))))
        result: Tensor = y + self._sized(self.shortcut(x))  # a 1x1 convolution commutes with nearest up-sampling
        return result

    def _sized(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.up else x


class Encoder(nn.Module):
    """A 7x7 convolution, then a halving block for every further level.

    Args:
        in_channels: Channels of the image.
        widths: Channels of each level.
        ratio: Of a block's channels to those of its bottleneck.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], ratio: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(in_channels, widths[0], 7, padding=3, bias=False, padding_mode="reflect")
        self.norm = Normalised(widths[0])
        self.levels = nn.ModuleList(Block(a, b, b // ratio, 0.5) for a, b in pairwise(widths))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return one feature per level, shallowest first: (B, C_l, H / 2^l, W / 2^l)."""
        features = [self.norm(self.entry(image))]
        for level in self.levels:
            features.append(level(features[-1]))
        return features


class Decoder(nn.Module):
    """Blocks at the deepest level, then a doubling block for every further one, and a 7x7 convolution.

    Args:
        widths: Channels of the encoder's levels.
        blocks: Blocks at the deepest level.
        out_channels: Channels of the image.
        ratio: Of a block's channels to those of its bottleneck.
    """

    def __init__(self, widths: Sequence[int], blocks: int, out_channels: int, ratio: int) -> None:
        super().__init__()
        deepest, reverse = widths[-1], widths[::-1]
        self.blocks = nn.Sequential(*(Block(deepest, deepest, deepest // ratio, 1) for _ in range(blocks)))
        self.levels = nn.ModuleList(Block(a, b, b // ratio, 2) for a, b in pairwise(reverse))
        self.norm = Normalised(widths[0])
        self.head = nn.Conv2d(widths[0], out_channels, 7, padding=3, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """Map features (B, C, h, w) of the deepest level to an image (B, out_channels, H, W)."""
        x: Tensor = self.blocks(features)
        for level in self.levels:
            x = level(x)
        image: Tensor = self.head(self.norm(x))
        return image
