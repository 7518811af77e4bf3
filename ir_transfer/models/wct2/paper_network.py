"""The paper's network: VGG-19 to relu4_1 with Haar pooling, its convolutions named as in the published files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.nn import haar

BANDS = ("lh", "hl", "hh")
"""Wavelet components that skip to the decoder, without LL."""

At = Callable[[str, Tensor], Tensor]
Skip = tuple[tuple[Tensor, Tensor, Tensor], Tensor]


class PaperNetwork(nn.Module):
    """Encoder and decoder, which call ``at`` with the features at each place of transfer.

    For an exemplar, ``at`` records statistics; for content, it recolours. Its result is the input of the next layer
    (Yoo et al. 2019, figure 4). Places are ``encoder{l}``, ``skip{l}.ll`` (``lh``, ``hl``, ``hh``)
    and ``decoder{l}``.

    Args:
        widths: Channels of each level; VGG-19's are ``(64, 128, 256, 512)``.
        depths: Convolutions of each level; VGG-19's to relu4_1 are ``(2, 2, 4, 1)``.
        unpool: ``"sum"`` or ``"cat5"``.
        out_channels: Channels of the output.

    Raises:
        InputError: A level before the deepest has fewer than two convolutions.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], unpool: str, out_channels: int) -> None:
        super().__init__()
        if min(depths[:-1], default=2) < 2:
            raise InputError(f"expected at least two convolutions in every level before the last, got {list(depths)}")
        self.cat5 = unpool == "cat5"
        self.depths = tuple(depths)
        self.encoder = nn.ModuleDict({"conv0": nn.Conv2d(3, 3, 1)})
        self.decoder = nn.ModuleDict()
        for level, (width, depth) in enumerate(zip(widths, depths, strict=True), start=1):
            for index in range(1, depth + 1):
                narrower = width if index > 1 else (3 if level == 1 else widths[level - 2])
                self.encoder[f"conv{level}_{index}"] = _conv3x3(narrower, width)
                back = out_channels if (level, index) == (1, 1) else narrower
                factor = 5 if self._merges(level, index) else 1
                self.decoder[self._decoder_name(level, index)] = _conv3x3(factor * width, back)

    @property
    def multiple(self) -> int:
        """Number that the sides of images must be multiples of."""
        return int(2 ** (len(self.depths) - 1))

    def encode(self, image: Tensor, at: At) -> tuple[Tensor, list[Skip]]:
        """Map an image (B, 3, H, W) to the deepest feature and, for every pooling, its bands and its input."""
        skips: list[Skip] = []
        x = image
        deepest = len(self.depths)
        for level, depth in enumerate(self.depths, start=1):
            for index in range(1, depth + 1):
                x = F.relu_(self._encoder_conv(level, index, x))
                ends_level = index == 1 if self.cat5 and level < deepest else (level == deepest and index == depth)
                x = at(f"encoder{level}", x) if ends_level else x
            if level < deepest:
                before = x
                x, *details = haar.pool(before)
                lh, hl, hh = (at(f"skip{level}.{band}", d) for band, d in zip(BANDS, details, strict=True))
                skips.append(((lh, hl, hh), before))
                x = at(f"skip{level}.ll", x)
                x = x if self.cat5 else at(f"encoder{level}", x)
        return x, skips

    def decode(self, x: Tensor, skips: Sequence[Skip], at: At) -> Tensor:
        """Map the result of :meth:`encode` to an image (B, out_channels, H, W)."""
        deepest = len(self.depths)
        for level in range(deepest, 0, -1):
            x = at(f"decoder{level}", x)
            for index in range(self.depths[-1] if level == deepest else 1, 0, -1):
                x = _reflected(_get(self.decoder, f"conv{level}_{index}"), x)
                x = x if (level, index) == (1, 1) else F.relu_(x)
            if level > 1:
                x = F.relu_(self._unpool_conv(level - 1, x, skips[level - 2]))
                for index in range(self.depths[level - 2] - 1, 1, -1):
                    x = F.relu_(_reflected(_get(self.decoder, f"conv{level - 1}_{index}"), x))
        return x

    def _merges(self, level: int, index: int) -> bool:
        return self.cat5 and level < len(self.depths) and index == self.depths[level - 1]

    def _decoder_name(self, level: int, index: int) -> str:
        return f"conv{level}_{index}_2" if self._merges(level, index) else f"conv{level}_{index}"

    def _encoder_conv(self, level: int, index: int, x: Tensor) -> Tensor:
        conv = _get(self.encoder, f"conv{level}_{index}")
        if (level, index) != (1, 1):
            return _reflected(conv, x)
        colour = _get(self.encoder, "conv0")  # without activation, so both are merged into one convolution
        weight = torch.einsum("omyx,mi->oiyx", conv.weight, colour.weight[:, :, 0, 0])
        shift = torch.einsum("omyx,m->o", conv.weight, cast(Tensor, colour.bias))
        return F.conv2d(_pad(x, "reflect"), weight, cast(Tensor, conv.bias) + shift)

    def _unpool_conv(self, level: int, ll: Tensor, skip: Skip) -> Tensor:
        conv = _get(self.decoder, self._decoder_name(level, self.depths[level - 1]))
        details, before = skip
        if not self.cat5:
            return _reflected(conv, haar.unpool(ll, *details))
        bands = torch.cat([ll, *details], dim=1)
        split = bands.shape[1]
        output = F.conv2d(_pad(before, "reflect"), conv.weight[:, split:], conv.bias)
        return _add_unpooled_conv(output, bands, conv.weight[:, :split])


def _add_unpooled_conv(output: Tensor, bands: Tensor, weight: Tensor) -> Tensor:
    """Add to ``output`` (B, O, 2h, 2w) the 3x3 convolution of the concatenated unpooled bands (B, 4C, h, w).

    An unpooled band is constant up to sign in every 2x2 block, so each of the four phases of the output sees only
    2x2 blocks: four 2x2 kernels at half the resolution, 16/36 of the products. Reflection by one pixel stays
    inside a block, which is replication at half the resolution.
    """
    out_channels, channels = weight.shape[0], weight.shape[1] // 4
    height, width = bands.shape[-2:]
    taps = _phase_taps().to(weight)
    # r, c: row and column filter (low, high), in the order of the bands; p, q: phase; t, u: block; y, x: 3x3 tap.
    kernels = torch.einsum(
        "orcnyx,prty,qcux->pqorcntu", weight.view(out_channels, 2, 2, channels, 3, 3), taps, taps
    ).reshape(4 * out_channels, 4 * channels, 2, 2)
    phases = F.conv2d(_pad(bands, "replicate"), kernels.contiguous(memory_format=torch.channels_last))
    for phase, part in enumerate(torch.chunk(phases, 4, dim=1)):
        row, column = divmod(phase, 2)
        output[..., row::2, column::2] += part[..., row : row + height, column : column + width]
    return output


def _phase_taps() -> Tensor:
    """Return the filter coefficient by phase, filter (low, high), block and 3x3 tap, (2, 2, 2, 3)."""
    root = math.sqrt(0.5)
    filters = ((root, root), (-root, root))
    taps = torch.zeros(2, 2, 2, 3)
    for phase in range(2):
        for tap in range(3):
            block, side = divmod(phase + tap - 1, 2)  # block -1, 0 or 1 from the output's own
            for kind in range(2):
                taps[phase, kind, block + 1 - phase, tap] = filters[kind][side]
    return taps


def _conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 3)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def _get(convs: nn.ModuleDict, name: str) -> nn.Conv2d:
    return cast(nn.Conv2d, convs[name])


def _reflected(conv: nn.Conv2d, x: Tensor) -> Tensor:
    output: Tensor = conv(_pad(x, "reflect"))
    return output


def _pad(x: Tensor, mode: str) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode=mode)
