"""WCT2 behind the contract: a compact network that is trained on pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.models import published_files, weight_files
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.models.wct2 import published
from ir_transfer.models.wct2.network import (
    BANDS,
    Refinement,
    WaveletDecoder,
    WaveletEncoder,
    check_choice,
    convolutions_up,
    place_widths,
    stride_of,
)
from ir_transfer.models.wct2.paper import PaperWCT2
from ir_transfer.models.wct2.regions import asked_statistics, region_key, regions_of
from ir_transfer.nn.moments import Moments, Statistics, covariance_moments
from ir_transfer.nn.polarity import sign_of, turn
from ir_transfer.nn.resize import resize_short_side
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.tiling import Inside, radii
from ir_transfer.nn.wct import recolour, regularised, square_roots

PLACES = ("encoder", "skip", *BANDS)
_SHRINKAGE = 0.1
_EPS = 1e-3
_SHORT_SIDE = 128
_BYTES_PER_CHANNEL = 60  # measured peak for each pixel and channel of the first level


class WCT2(TranslationModel):
    """Wavelet encoder, whitening and colouring, wavelet decoder.

    The content is encoded once, untransferred; features and detail bands of all levels are then recoloured and
    decoded. (The paper lets a transferred level go on into the next.) So all statistics of the content come
    from one pass, and tiles equal the whole.

    Args:
        info: What the model declares.
        widths: Channels of each level.
        depths: Convolutions of each level.
        unpool: ``"sum"`` or ``"cat5"``.
        transfer: Places of transfer: a subset of ``"encoder"`` and ``"skip"``. Detail components may be named one by
            one, each whitened and coloured on its own: ``"lh"``, ``"hl"``, ``"hh"``; ``"skip"`` is all three. LL is no
            place here: the decoder unpools what comes from the deeper level in its stead.
        exemplar_encoder: ``"own"`` for an encoder of its own for exemplars, ``"shared"`` for the content's.
        out_channels: Channels of the output.
    """

    def __init__(
        self,
        info: ModelInfo,
        widths: Sequence[int] = (16, 32, 64, 128),
        depths: Sequence[int] = (2, 2, 3, 3),
        unpool: Literal["sum", "cat5"] = "cat5",
        transfer: Sequence[str] = ("encoder", "skip"),
        exemplar_encoder: Literal["own", "shared"] = "own",
        out_channels: int = 1,
    ) -> None:
        check_choice(unpool, ("sum", "cat5"), "unpool")
        check_choice(exemplar_encoder, ("own", "shared"), "exemplar_encoder")
        for place in transfer:
            check_choice(place, PLACES, "each place of transfer")
        super().__init__(
            replace(info, size_multiple=2 ** (len(widths) - 1)),
            {
                "widths": list(widths),
                "depths": list(depths),
                "unpool": unpool,
                "transfer": list(transfer),
                "exemplar_encoder": exemplar_encoder,
                "out_channels": out_channels,
            },
        )
        self.takes_rows = True
        self.places = place_widths(widths, transfer)
        self.encoder = WaveletEncoder(widths, depths, 4)
        self.decoder = WaveletDecoder(widths, depths, out_channels, unpool)
        self.own = exemplar_encoder == "own"
        if self.own:
            self.exemplar_encoder = WaveletEncoder(widths, depths, 2)
        levels = {place: width for place, width in self.places.items() if "." not in place}
        self.exemplar_refinement = Refinement(levels) if levels else None
        self.content_refinement = Refinement(levels) if levels else None

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the size that is asked for or that the file holds; see :func:`ir_transfer.create_model`."""
        size = hyper_parameters.pop("size", None)
        if published_files.asked(weights, encoder_weights):
            return published.build(info, weights, encoder_weights, {"size": size, **hyper_parameters})
        if weights is None:
            check_choice(size or "compact", SIZES, "size")
            return SIZES[size or "compact"](info, **hyper_parameters)
        path = weight_files.locate(info, weights)
        _, metadata = weight_files.read(path, kind="weights", model=info.name)
        stored = weight_files.hyper_parameters(metadata, path)
        weight_files.refuse_contradiction(path, {"size": "compact", **stored}, {"size": size} if size else {})
        return SIZES[stored.get("size", "compact")]._from_file(info, path, hyper_parameters)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``{place}.mean`` (B, C), ``{place}.colouring`` (B, C, C) and ``polarity`` (B, 1)."""
        sign, features = self._exemplar_features(exemplars, white_hot)
        return {"polarity": sign, **self._asked(self._moments(features))}

    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor, mask: Tensor, labels: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return what :meth:`encode` does, and the same for each label under ``{place}@{label}``."""
        sign, features = self._exemplar_features(exemplar, white_hot)
        whole = self._moments(features)
        style = {"polarity": sign, **self._asked(whole)}
        for label in labels:
            inside = self._region_moments(features, mask, label, whole)
            style |= {_with_label(key, label): tensor for key, tensor in self._asked(inside).items()}
        return style

    @property
    def tile_needs(self) -> TileNeeds:
        """What tiles must bring; see the base class."""
        depths, widths = self.hyper_parameters["depths"], self.hyper_parameters["widths"]
        features, output = radii(depths, convolutions_up(depths))
        return TileNeeds(features, output, self.info.size_multiple, _BYTES_PER_CHANNEL * widths[0])

    def content_statistics(self, content: Tensor, inside: Inside | None = None) -> Statistics:
        """Return matrix moments of every place of transfer for a picture or tile (B, 3 or 4, h, w)."""
        height, width = content.shape[-2:]
        bottom, right = (-side % self.info.size_multiple for side in (height, width))
        features = self.encoder(F.pad(with_rows(content), (0, right, 0, bottom), mode="reflect"))
        if inside is None:
            return Statistics(self._moments(features))
        return Statistics(self._moments(features, inside.padded(height, width, bottom, right)))

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self.encoder(with_rows(content))
        moments = statistics.places if statistics is not None else self._moments(features)
        features |= self._recoloured(features, moments, style, strength)
        return turn(self.decoder(features), style["polarity"])

    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one padded picture (1, 3, H, W) with its label map (1, 1, H, W)."""
        features = self.encoder(with_rows(content))
        whole = self._moments(features)
        outputs = self._recoloured(features, whole, style, strength)
        for label in torch.unique(mask).long().tolist():
            inside = self._region_moments(features, mask, label, whole)
            asked = {
                f"{place}.{name}": tensor
                for place in self.places
                for name, tensor in zip(("mean", "colouring"), asked_statistics(style, place, label), strict=True)
            }
            for place, recoloured in self._recoloured(features, inside, asked, strength).items():
                where = next(regions_of(mask, features[place], [label])).where
                outputs[place] = torch.where(where, recoloured, outputs[place])
        return turn(self.decoder(features | outputs), style["polarity"])

    def _exemplar_features(self, exemplars: Tensor, white_hot: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        sign = sign_of(white_hot)
        pictures = resize_short_side(turn(exemplars, sign), _SHORT_SIDE, self.info.size_multiple)
        features: dict[str, Tensor] = (
            self.exemplar_encoder(with_rows(pictures, channels=1))
            if self.own
            else self.encoder(with_rows(pictures.expand(-1, 3, -1, -1)))
        )
        return sign, features

    def _asked(self, moments: Mapping[str, Moments]) -> dict[str, Tensor]:
        """Return the mean and colouring that an exemplar of these moments asks for, by place."""
        roots = self._roots(moments)
        asked: dict[str, Tensor] = {}
        for place, (offset, factor) in self._refine(self.exemplar_refinement, moments).items():
            asked[f"{place}.mean"] = moments[place].mean + offset
            asked[f"{place}.colouring"] = factor[..., None] * roots[place][0]
        return asked

    def _recoloured(
        self,
        features: Mapping[str, Tensor],
        moments: Mapping[str, Moments],
        asked: Mapping[str, Tensor],
        strength: float | Tensor,
    ) -> dict[str, Tensor]:
        """Return the features of every place, given what the exemplar asks for."""
        roots = self._roots(moments)
        recoloured: dict[str, Tensor] = {}
        for place, (offset, factor) in self._refine(self.content_refinement, moments).items():
            mean = asked[f"{place}.mean"] + offset
            colouring = factor[..., None] * asked[f"{place}.colouring"]
            recoloured[place] = recolour(
                features[place], moments[place].mean, roots[place][1], mean, colouring, strength
            )
        return recoloured

    def _region_moments(
        self, features: Mapping[str, Tensor], mask: Tensor, label: int, whole: Mapping[str, Moments]
    ) -> dict[str, Moments]:
        regions = {place: next(regions_of(mask, features[place], [label])) for place in self.places}
        return {place: region.moments(features[place], whole[place]) for place, region in regions.items()}

    def _moments(self, features: Mapping[str, Tensor], inside: Inside | None = None) -> dict[str, Moments]:
        if inside is None:
            return {place: covariance_moments(features[place]) for place in self.places}
        strides = {place: stride_of(place) for place in self.places}
        return {
            place: covariance_moments(inside.features(features[place], stride), inside.shares(stride))
            for place, stride in strides.items()
        }

    def _refine(
        self, refinement: Refinement | None, moments: Mapping[str, Moments]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """Return offset and factor of every place; those without a refinement get 0 and 1."""
        known: dict[str, tuple[Tensor, Tensor]] = {}
        if refinement is not None:
            levels = refinement.widths
            known = refinement({p: moments[p].mean for p in levels}, {p: moments[p].std() for p in levels})
        neutral = {p: (torch.zeros_like(m.mean), torch.ones_like(m.mean)) for p, m in moments.items()}
        return {place: known.get(place, neutral[place]) for place in self.places}

    def _roots(self, moments: Mapping[str, Moments]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return root and inverse root of every place's covariance; places of one width share one iteration."""
        roots: dict[str, tuple[Tensor, Tensor]] = {}
        for width in sorted(set(self.places.values())):
            places = [place for place, channels in self.places.items() if channels == width]
            with torch.autocast(moments[places[0]].mean.device.type, enabled=False):
                covariances = torch.stack([regularised(moments[p], _SHRINKAGE, _EPS) for p in places])
                root, inverse = square_roots(covariances)
            roots |= {p: (root[i], inverse[i]) for i, p in enumerate(places)}
        return roots


def _with_label(key: str, label: int) -> str:
    place, _, name = key.rpartition(".")
    return f"{region_key(place, label)}.{name}"


SIZES: dict[str, type[TranslationModel]] = {"compact": WCT2, "vgg19": PaperWCT2}
