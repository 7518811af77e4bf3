"""WCT2 at the paper's size, where every transferred feature goes on into the next level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.wct2.network import BANDS, check_choice
from ir_transfer.models.wct2.paper_network import PaperNetwork
from ir_transfer.models.wct2.regions import asked_statistics, region_key, regions_of
from ir_transfer.nn.moments import Moments, Statistics, covariance_moments
from ir_transfer.nn.wct import exact_square_roots, recolour, regularised

PLACES = ("encoder", "decoder", "skip", "ll", *BANDS)
DEFAULT = ("encoder", "decoder", "skip")


class PaperWCT2(TranslationModel):
    """VGG-19 to relu4_1 with Haar pooling; loads the published checkpoints (Yoo et al. 2019).

    Statistics of a deeper level depend on what was transferred before it, so it does not tile.

    Args:
        info: What the model declares.
        size: ``"vgg19"``, by which :class:`WCT2` chooses this class.
        widths: Channels of each level.
        depths: Convolutions of each level.
        unpool: ``"sum"`` or ``"cat5"``.
        transfer: Places of transfer: a subset of ``"encoder"``, ``"decoder"`` and ``"skip"``. Wavelet components may be
            named one by one, each whitened and coloured on its own after every pooling: ``"ll"``, ``"lh"``, ``"hl"``,
            ``"hh"``; ``"skip"`` is the latter three. With ``"sum"`` LL is where ``"encoder"`` transfers before the
            deepest level.
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
        check_choice(unpool, ("sum", "cat5"), "unpool")
        for place in transfer:
            check_choice(place, PLACES, "each place of transfer")
        network = PaperNetwork(widths, depths, unpool, out_channels)
        stored = {"size": size, "widths": list(widths), "depths": list(depths), "unpool": unpool}
        super().__init__(
            replace(info, tiling="none", size_multiple=network.multiple),
            {**stored, "transfer": list(transfer), "out_channels": out_channels},
        )
        self.network = network
        self.places = _places(len(widths), transfer, unpool)

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``{place}.mean`` (B, C) and ``{place}.colouring`` (B, C, C)."""
        return self._record(exemplars, None, ())

    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor | None, mask: Tensor, labels: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return what :meth:`encode` does, and the same for each label under ``{place}@{label}``."""
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
        pictures = exemplars.expand(-1, 3, -1, -1)[..., :height, :width]
        mask = mask[..., :height, :width] if mask is not None else None
        x, skips = self.network.encode(pictures, record)
        if any(place.startswith("decoder") for place in self.places):
            self.network.decode(x, skips, record)
        return style

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        return self._translate(content, style, strength, None)

    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one padded picture (1, 3, H, W) with its label map (1, 1, H, W)."""
        return self._translate(content, style, strength, mask)

    def _translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor | None
    ) -> Tensor:
        def transfer(place: str, features: Tensor) -> Tensor:
            if place not in self.places:
                return features
            whole = covariance_moments(features)
            asked = style[f"{place}.mean"], style[f"{place}.colouring"]
            output = _recolour(features, whole, asked, strength)
            for region in regions_of(mask, features) if mask is not None else ():
                asked = asked_statistics(style, place, region.label)
                inside = _recolour(features, region.moments(features, whole), asked, strength)
                output = torch.where(region.where, inside, output)
            return output

        x, skips = self.network.encode(content, transfer)
        return self.network.decode(x, skips, transfer)


def _recolour(features: Tensor, content: Moments, asked: tuple[Tensor, Tensor], strength: float | Tensor) -> Tensor:
    """Whiten, colour, clamp to the content feature's own range, blend by strength."""
    whitening = exact_square_roots(regularised(content, 0, 1))[1]
    output = recolour(features, content.mean, whitening, *asked)
    output = torch.clamp(output, features.amin((1, 2, 3), keepdim=True), features.amax((1, 2, 3), keepdim=True))
    if isinstance(strength, Tensor):
        return torch.lerp(features, output, strength[..., None, None].to(features.dtype))
    return output if strength == 1 else torch.lerp(features, output, strength)


def _places(levels: int, transfer: Sequence[str], unpool: str) -> frozenset[str]:
    places: list[str] = []
    if "encoder" in transfer:
        places += [f"encoder{level}" for level in range(1, levels + 1)]
    for band in ("ll", *BANDS):
        asked = band in transfer or (band != "ll" and "skip" in transfer)
        done = band == "ll" and unpool == "sum" and "encoder" in transfer  # LL is that very feature
        if asked and not done:
            places += [f"skip{level}.{band}" for level in range(1, levels)]
    if "decoder" in transfer:
        # The decoder's first input is the encoder's last output: one transfer of it is enough.
        places += [f"decoder{level}" for level in range(1, levels if "encoder" in transfer else levels + 1)]
    return frozenset(places)
