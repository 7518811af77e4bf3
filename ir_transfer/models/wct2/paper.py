"""WCT2 at the paper's size, with progressive transfer."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import LabelMaps, TileStatistics
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.models.wct2.paper_network import BANDS, PaperNetwork
from ir_transfer.models.wct2.regions import asked_statistics, region_key, regions_of
from ir_transfer.nn.moments import Moments, Statistics, covariance_moments, span_of
from ir_transfer.nn.tiling import Inside, radii
from ir_transfer.nn.wct import exact_square_roots, recolour, regularised

PLACES = ("encoder", "decoder", "skip", "ll", *BANDS)
DEFAULT = ("encoder", "decoder", "skip")
_BYTES_PER_CHANNEL = 40  # measured peak for each pixel and channel of the first level


class PaperWCT2(TranslationModel, TileStatistics, LabelMaps):
    """VGG-19 to relu4_1 with Haar pooling; loads the published checkpoints (Yoo et al. 2019).

    Statistics of a deeper level depend on the transfer at previous levels, so tiling takes one pass over the image for
    each place of transfer on which another depends: seven with the default places.

    Args:
        info: Declaration of the model.
        size: ``"vgg19"``, which selects this class.
        widths: Channels of each level.
        depths: Convolutions of each level.
        unpool: ``"sum"`` or ``"cat5"``.
        transfer: Places of transfer: a subset of ``"encoder"``, ``"decoder"`` and ``"skip"``. Wavelet components may be
            named one by one, each whitened and coloured on its own after every pooling: ``"ll"``, ``"lh"``, ``"hl"``,
            ``"hh"``; ``"skip"`` is the latter three. With ``"sum"``, ``"ll"`` is the place where
            ``"encoder"`` transfers before the deepest level.
        out_channels: 1 for infrared; 3 for published checkpoints (exemplars then are RGB).
    """

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["vgg19"] = "vgg19",
        widths: Sequence[int] = (64, 128, 256, 512),
        depths: Sequence[int] = (2, 2, 4, 1),
        unpool: Literal["sum", "cat5"] = "cat5",
        transfer: Sequence[str] = DEFAULT,
        out_channels: int = 1,
    ) -> None:
        _check_choice(unpool, ("sum", "cat5"), "unpool")
        for place in transfer:
            _check_choice(place, PLACES, "each place of transfer")
        network = PaperNetwork(widths, depths, unpool, out_channels)
        stored = {"size": size, "widths": list(widths), "depths": list(depths), "unpool": unpool}
        super().__init__(
            replace(info, tiling="passes", size_multiple=network.multiple),
            {**stored, "transfer": list(transfer), "out_channels": out_channels},
        )
        self.network = network
        self.places = _places(len(widths), transfer, unpool)
        self.passes = _passes(self.places, len(widths), unpool)
        self.statistics_passes = len(self.passes)

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``{place}.mean`` (B, C) and ``{place}.colouring`` (B, C, C)."""
        return self._record(exemplars, None, ())

    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor, mask: Tensor, labels: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return the style of :meth:`encode`, and the same for each label under ``{place}@{label}``."""
        return self._record(exemplar, mask, labels)

    def _record(self, exemplars: Tensor, mask: Tensor | None, labels: Sequence[int]) -> dict[str, Tensor]:
        style: dict[str, Tensor] = {}

        def keep(key: str, moments: Moments) -> None:
            style[f"{key}.mean"] = moments.mean
            style[f"{key}.colouring"] = exact_square_roots(regularised(moments, 0, 1))[0]

        def record(place: str, features: Tensor) -> Tensor:
            if place in self.places:
                whole = covariance_moments(features)
                keep(place, whole)
                for region in regions_of(mask, features, labels) if mask is not None else ():
                    keep(region_key(place, region.label), region.moments(features, whole))
            return features

        height, width = (side - side % self.network.multiple for side in exemplars.shape[-2:])
        images = exemplars.expand(-1, 3, -1, -1)[..., :height, :width]
        mask = mask[..., :height, :width] if mask is not None else None
        x, skips = self.network.encode(images, record)
        if any(place.startswith("decoder") for place in self.places):
            self.network.decode(x, skips, record)
        return style

    @property
    def tile_needs(self) -> TileNeeds:
        """Margins and memory of tiles; see the base class."""
        depths, widths = self.hyper_parameters["depths"], self.hyper_parameters["widths"]
        _, output = radii(depths, depths)  # since places of the decoder have statistics too
        return TileNeeds(output, output, self.network.multiple, _BYTES_PER_CHANNEL * widths[0])

    def tile_statistics(
        self,
        content: Tensor,
        inside: Inside,
        style: Mapping[str, Tensor],
        strength: float | Tensor,
        known: Sequence[Statistics],
    ) -> Statistics:
        """Return matrix moments and spans of the next pass's places from a tile (1, 3, h, w)."""
        height, width = content.shape[-2:]
        bottom, right = (-side % self.info.size_multiple for side in (height, width))
        padded = F.pad(content, (0, right, 0, bottom), mode="reflect")
        part = inside.padded(height, width, bottom, right)
        wanted = self.passes[len(known)]
        before = {place: moments for statistics in known for place, moments in statistics.places.items()}
        found: dict[str, Moments] = {}

        def measure(place: str, features: Tensor) -> Tensor:
            if place in before:
                return _recolour(features, before[place], _asked(style, place), strength)
            if place in wanted:
                stride = padded.shape[-2] // features.shape[-2]
                found[place] = _moments(part.features(features, stride), part.shares(stride))
                if len(found) == len(wanted):
                    raise _MeasuredError
            return features

        with contextlib.suppress(_MeasuredError):
            self.network.decode(*self.network.encode(padded, measure), measure)
        return Statistics(found)

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see :meth:`~ir_transfer.models.base.TranslationModel.translate`.

        Raises:
            InputError: The statistics are not those of the places of transfer.
        """
        if statistics is not None and statistics.places.keys() != self.places:
            raise InputError(
                f"expected statistics of {', '.join(sorted(self.places))}, got those of "
                f"{', '.join(sorted(statistics.places)) or 'no place'}: join those of all passes"
            )
        return self._translate(content, style, strength, None, statistics)

    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one padded image (1, 3, H, W) with its label map (1, 1, H, W)."""
        return self._translate(content, style, strength, mask)

    def _translate(
        self,
        content: Tensor,
        style: Mapping[str, Tensor],
        strength: float | Tensor,
        mask: Tensor | None,
        statistics: Statistics | None = None,
    ) -> Tensor:
        def transfer(place: str, features: Tensor) -> Tensor:
            if place not in self.places:
                return features
            whole = statistics[place] if statistics is not None else _moments(features)
            output = _recolour(features, whole, _asked(style, place), strength)
            for region in regions_of(mask, features) if mask is not None else ():
                asked = asked_statistics(style, place, region.label)
                moments = replace(region.moments(features, whole), span=whole.span)
                output = torch.where(region.where, _recolour(features, moments, asked, strength), output)
            return output

        x, skips = self.network.encode(content, transfer)
        return self.network.decode(x, skips, transfer)


def _check_choice(value: str, known: Collection[str], name: str) -> None:
    if value not in known:
        raise InputError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")


class _MeasuredError(Exception):
    """All statistics of a pass are known, so the rest of the network is skipped."""


def _asked(style: Mapping[str, Tensor], place: str) -> tuple[Tensor, Tensor]:
    return style[f"{place}.mean"], style[f"{place}.colouring"]


def _moments(features: Tensor, weights: Tensor | None = None) -> Moments:
    return replace(covariance_moments(features, weights), span=span_of(features, weights))


def _recolour(features: Tensor, content: Moments, asked: tuple[Tensor, Tensor], strength: float | Tensor) -> Tensor:
    """Whiten, colour, clamp to the content feature's own range, blend by strength."""
    whitening = exact_square_roots(regularised(content, 0, 1))[1]
    output = recolour(features, content.mean, whitening, *asked)
    assert content.span is not None
    negative_low, high = content.span.to(features.dtype)[..., None, None, None].unbind(1)
    output = torch.clamp(output, -negative_low, high)
    if isinstance(strength, Tensor):
        return torch.lerp(features, output, strength[..., None, None].to(features.dtype))
    return output if strength == 1 else torch.lerp(features, output, strength)


def _places(levels: int, transfer: Sequence[str], unpool: str) -> frozenset[str]:
    places: list[str] = []
    if "encoder" in transfer:
        places += [f"encoder{level}" for level in range(1, levels + 1)]
    for band in ("ll", *BANDS):
        asked = band in transfer or (band != "ll" and "skip" in transfer)
        done = band == "ll" and unpool == "sum" and "encoder" in transfer  # LL is the same feature
        if asked and not done:
            places += [f"skip{level}.{band}" for level in range(1, levels)]
    if "decoder" in transfer:
        # The decoder's first input is the encoder's last output: one transfer of it is enough.
        places += [f"decoder{level}" for level in range(1, levels if "encoder" in transfer else levels + 1)]
    return frozenset(places)


def _passes(places: frozenset[str], levels: int, unpool: str) -> list[frozenset[str]]:
    """Return the places whose statistics are computed in one pass, in the order of the passes.

    Detail bands are used by the decoder only, so they share the pass of the next place; all other places affect later
    ones.
    """
    passes: list[frozenset[str]] = []
    open_places: set[str] = set()
    for level in range(1, levels + 1):
        after, bands = [f"encoder{level}"], [f"skip{level}.{band}" for band in BANDS]
        chain = [f"skip{level}.ll"] if level < levels else []
        ordered = [*after, *bands, *chain] if unpool == "cat5" or level == levels else [*bands, *chain, *after]
        for place in ordered:
            if place in places:
                open_places.add(place)
                if place not in bands:
                    passes.append(frozenset(open_places))
                    open_places = set()
    passes += [frozenset(open_places)] if open_places else []
    return passes + [frozenset({f"decoder{level}"}) for level in range(levels, 0, -1) if f"decoder{level}" in places]
