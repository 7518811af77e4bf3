"""The feed-forward transformer of fast style transfer, with every normalisation's scale and shift as an input.

Johnson et al. 2016 (supplement, table 1): a 9x9 convolution, strided convolutions, residual blocks, up-sampling and a
9x9 convolution; nearest up-sampling with a convolution in place of transposed ones (Odena et al. 2016), and instance
normalisation (Ulyanov et al. 2016). Scales and shifts come from outside as one vector, so that one network serves one
look, many looks (Dumoulin et al. 2017) and looks that another network makes up (Babaeizadeh and Ghiasi 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.adain import adain
from ir_transfer.nn.heads import InfraredHead
from ir_transfer.nn.moments import channel_moments

Normalisation = Literal["instance", "batch"]
Affines = Iterator[tuple[Tensor, Tensor]]
_HALF_POWER = 0.5**0.5  # the sum of two features keeps the variance of one


class NormConv(nn.Module):
    """Convolution, normalisation with a scale and shift from outside, ReLU.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Side of the kernel.
        stride: 1, or 2 to halve the size (rounded up).
        normalisation: Over each picture (instance) or over the batch (batch).
        relu: Whether a ReLU follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        stride: int = 1,
        normalisation: Normalisation = "instance",
        relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride, kernel // 2, bias=False, padding_mode="replicate"
        )
        self.batch = nn.BatchNorm2d(out_channels, affine=False) if normalisation == "batch" else None
        self.relu = relu
        self.places = [out_channels]

    def forward(self, x: Tensor, affines: Affines) -> Tensor:
        """Map (B, C, H, W) to (B, C', H', W'), with the next scale and shift (B or 1, C')."""
        x = self.conv(x)
        scale, shift = next(affines)
        if self.batch is None:
            x = adain(x, channel_moments(x), shift, scale)
        else:
            kind = x.dtype
            x = torch.addcmul(shift[..., None, None].to(kind), self.batch(x), scale[..., None, None].to(kind))
        return F.relu_(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to the input (He et al. 2016; the ReLU after the sum is left out).

    Args:
        channels: In and out.
        normalisation: See :class:`NormConv`.
    """

    def __init__(self, channels: int, normalisation: Normalisation) -> None:
        super().__init__()
        self.first = NormConv(channels, channels, normalisation=normalisation)
        self.second = NormConv(channels, channels, normalisation=normalisation, relu=False)
        self.places = [channels, channels]

    def forward(self, x: Tensor, affines: Affines) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        branch: Tensor = self.second(self.first(x, affines), affines)
        return x + branch


class Encoder(nn.Module):
    """From a picture to features: one convolution a level, each but the first at half the size of the one before.

    Args:
        in_channels: Of the picture.
        widths: Channels of each level.
        normalisation: See :class:`NormConv`.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], normalisation: Normalisation) -> None:
        super().__init__()
        levels = [NormConv(in_channels, widths[0], 9, normalisation=normalisation)]
        levels += [NormConv(a, b, stride=2, normalisation=normalisation) for a, b in pairwise(widths)]
        self.levels = nn.ModuleList(levels)
        self.places = list(widths)

    def forward(self, picture: Tensor, affines: Affines) -> list[Tensor]:
        """Return one feature per level, shallowest first: (B, C_l, ceil(H / 2^l), ceil(W / 2^l))."""
        features = [picture]
        for level in self.levels:
            features.append(level(features[-1], affines))
        return features[1:]


class Decoder(nn.Module):
    """From features to a picture: nearest up-sampling and a convolution a level.

    Args:
        widths: Channels of the encoder's levels.
        out_channels: Of the picture.
        normalisation: See :class:`NormConv`.
        skips: Whether the encoder's features are added on the way up (and another convolution follows), so that
            detail need not pass through the deepest level.
    """

    def __init__(self, widths: Sequence[int], out_channels: int, normalisation: Normalisation, skips: bool) -> None:
        super().__init__()
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(NormConv(a, b, normalisation=normalisation) for a, b in pairs)
        self.merge = nn.ModuleList(NormConv(b, b, normalisation=normalisation) for _, b in pairs if skips)
        self.head = InfraredHead(widths[0], out_channels, kernel=9)
        self.places = [b for _, b in pairs for _ in range(1 + skips)]

    def forward(self, x: Tensor, features: Sequence[Tensor], affines: Affines) -> Tensor:
        """Map the deepest feature and the encoder's to a picture of the first one's size."""
        for index, (up, feature) in enumerate(zip(self.up, features[-2::-1], strict=True)):
            x = F.interpolate(x, scale_factor=2, mode="nearest")[..., : feature.shape[-2], : feature.shape[-1]]
            x = up(x, affines)
            if len(self.merge):
                x = self.merge[index]((x + feature) * _HALF_POWER, affines)
        picture: Tensor = self.head(x)
        return picture


class Transformer(nn.Module):
    """Encoder, residual blocks, decoder.

    Args:
        widths: Channels of each level; the paper's are (32, 64, 128).
        blocks: Residual blocks at the deepest level; the paper has 5.
        in_channels: Of the picture.
        out_channels: Of the result.
        normalisation: ``"instance"``, or ``"batch"`` as Johnson et al. had it first.
        skips: See :class:`Decoder`; the paper has none.

    Attributes:
        places: Channels of every normalisation, in the order of the pass.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 5,
        in_channels: int = 3,
        out_channels: int = 1,
        normalisation: Normalisation = "instance",
        skips: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(in_channels, widths, normalisation)
        self.blocks = nn.ModuleList(ResidualBlock(widths[-1], normalisation) for _ in range(blocks))
        self.decoder = Decoder(widths, out_channels, normalisation, skips)
        self.places = [*self.encoder.places, *[widths[-1]] * (2 * blocks), *self.decoder.places]

    def identity(self) -> Tensor:
        """Return the scales and shifts (2 sum(places),) that leave every normalised feature as it is: ones, zeros."""
        count = sum(self.places)
        return torch.cat([torch.ones(count), torch.zeros(count)])

    def _places(self, affine: Tensor) -> Affines:
        halves = affine.chunk(2, dim=1)
        scales, shifts = (half.split_with_sizes(self.places, dim=1) for half in halves)
        return zip(scales, shifts, strict=True)

    def encode(self, picture: Tensor, affine: Tensor) -> list[Tensor]:
        """Return the encoder's features of a picture, one per level; see :meth:`forward` for the arguments."""
        features: list[Tensor] = self.encoder(picture, self._places(affine))
        return features

    def forward(self, picture: Tensor, affine: Tensor) -> Tensor:
        """Map a picture (B, in_channels, H, W) to (B, out_channels, H, W).

        Args:
            picture: Of any size.
            affine: Scales of all places, then shifts: (B or 1, 2 sum(places)).
        """
        affines = self._places(affine)
        features = self.encoder(picture, affines)
        x = features[-1]
        for block in self.blocks:
            x = block(x, affines)
        result: Tensor = self.decoder(x, features, affines)
        return result
