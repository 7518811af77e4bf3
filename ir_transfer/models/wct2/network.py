"""The compact WCT2: a small wavelet encoder and decoder, trained end to end on pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.nn import haar
from ir_transfer.nn.heads import InfraredHead
from ir_transfer.nn.vgg import ConvRelu

BANDS = ("lh", "hl", "hh")
"""Wavelet components that skip to the decoder; LL goes on."""


def check_choice(value: str, known: Collection[str], name: str) -> None:
    """Raise :class:`InputError` if a hyper-parameter is none of the known values."""
    if value not in known:
        raise InputError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")


def place_widths(widths: Sequence[int], transfer: Sequence[str]) -> dict[str, int]:
    """Return channels by place of transfer: ``level{l}`` and, at every pooling, ``level{l}.lh`` and so on."""
    places = {f"level{i + 1}": w for i, w in enumerate(widths)} if "encoder" in transfer else {}
    bands = [band for band in BANDS if "skip" in transfer or band in transfer]
    return places | {f"level{i + 1}.{band}": w for i, w in enumerate(widths[:-1]) for band in bands}


def stride_of(place: str) -> int:
    """Return how many pixels of the picture one position at a place of transfer stands for, along each side."""
    level, _, band = place.removeprefix("level").partition(".")
    return int(2 ** (int(level) - 1 + bool(band)))


def convolutions_up(depths: Sequence[int]) -> list[int]:
    """Return the 3x3 convolutions of the decoder at each level, shallowest first, its head included."""
    # At full resolution the head stands where other levels have the convolution that narrows.
    return [max(1, depth - 1) + 1 for depth in depths]


class WaveletEncoder(nn.Module):
    """Levels of residual convolutions with Haar pooling between them.

    Args:
        widths: Channels of each level.
        depths: Convolutions of each level.
        in_channels: Channels of the picture.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], in_channels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList()
        before = in_channels
        for width, depth in zip(widths, depths, strict=True):
            convs = [ConvRelu(before if i == 0 else width, width, "replicate", residual=i > 0) for i in range(depth)]
            self.levels.append(nn.Sequential(*convs))
            before = width

    def forward(self, picture: Tensor) -> dict[str, Tensor]:
        """Return the last feature of every level and the detail bands of every pooling, by place."""
        features: dict[str, Tensor] = {}
        x = picture
        for index, level in enumerate(self.levels, start=1):
            features[f"level{index}"] = x = level(x)
            if index < len(self.levels):
                x, *details = haar.pool(x)
                x = x * 0.5  # the mean of four, so that the scale of features does not double with every level
                features |= {f"level{index}.{band}": d for band, d in zip(BANDS, details, strict=True)}
        return features


class WaveletUnpool(nn.Module):
    """Unpools LL with the detail bands: their sum, or a learned mixture with the feature before pooling.

    ``cat5`` concatenates the unpooled bands and the feature before pooling (Yoo et al. 2019, section 3.3). A 1x1
    convolution of that is a sum of 1x1 convolutions, each of which commutes with unpooling, so the bands are
    mixed at half the resolution.

    Args:
        width: Channels.
        kind: ``"sum"`` or ``"cat5"``.
    """

    def __init__(self, width: int, kind: str) -> None:
        super().__init__()
        self.mixed = kind == "cat5"
        if self.mixed:
            self.bands = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for _ in range(4))
            self.feature = nn.Conv2d(width, width, 1)
            for band in self.bands:
                nn.init.dirac_(band.weight)  # type: ignore[arg-type]

    def forward(self, ll: Tensor, details: Sequence[Tensor], feature: Tensor) -> Tensor:
        """Map bands (B, C, h, w) and the feature (B, C, 2h, 2w) to (B, C, 2h, 2w)."""
        bands = [ll * 2, *details]
        if not self.mixed:
            return haar.unpool(*bands)
        mixed = [conv(band) for conv, band in zip(self.bands, bands, strict=True)]
        unpooled: Tensor = haar.unpool(*mixed) + self.feature(feature)
        return unpooled


class WaveletDecoder(nn.Module):
    """The encoder mirrored, with Haar unpooling and a linear head.

    Args:
        widths: Channels of the encoder's levels.
        depths: Convolutions of each level.
        out_channels: Channels of the picture; 1 for infrared.
        unpool: ``"sum"`` or ``"cat5"``.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], out_channels: int, unpool: str) -> None:
        super().__init__()
        self.levels, self.unpools = nn.ModuleList(), nn.ModuleList()
        for index in reversed(range(len(widths))):
            width = widths[index]
            kept = [ConvRelu(width, width, "replicate", residual=True) for _ in range(max(1, depths[index] - 1))]
            last = ConvRelu(width, widths[index - 1], "replicate") if index else nn.Identity()
            self.levels.append(nn.Sequential(*kept, last))
            if index:
                self.unpools.append(WaveletUnpool(widths[index - 1], unpool))
        self.head = InfraredHead(widths[0], out_channels)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Map the encoder's places to a picture (B, out_channels, H, W)."""
        index = len(self.levels)
        x = self.levels[0](features[f"level{index}"])
        for level, unpool in zip(self.levels[1:], self.unpools, strict=True):
            index -= 1
            place = f"level{index}"
            x = level(unpool(x, [features[f"{place}.{band}"] for band in BANDS], features[place]))
        picture: Tensor = self.head(x)
        return picture


class Refinement(nn.Module):
    """Corrects asked statistics by what is known of the whole picture (is it night? is it a forest?).

    Args:
        widths: Channels by place.
        hidden: Width of the mapping network.
    """

    def __init__(self, widths: Mapping[str, int], hidden: int = 128) -> None:
        super().__init__()
        self.widths = dict(widths)
        total = sum(widths.values())
        self.mapping = nn.Sequential(nn.Linear(2 * total, hidden), nn.SiLU())
        self.head = nn.Linear(hidden, 2 * total)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, means: Mapping[str, Tensor], stds: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return, by place, an offset (B, C) to the mean and a factor (B, C) to the deviation."""
        described = torch.cat([*(means[p] for p in self.widths), *(stds[p].log() for p in self.widths)], dim=1)
        offsets, logs = self.head(self.mapping(described)).float().split(sum(self.widths.values()), dim=1)
        sizes = list(self.widths.values())
        factors = logs.exp().split(sizes, dim=1)
        return dict(zip(self.widths, zip(offsets.split(sizes, dim=1), factors, strict=True), strict=True))
