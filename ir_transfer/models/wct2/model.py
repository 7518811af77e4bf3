"""WCT2 behind the contract: a compact network that is trained on pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.wct2.network import Refinement, WaveletDecoder, WaveletEncoder, place_widths
from ir_transfer.nn.moments import Moments, Statistics
from ir_transfer.nn.polarity import PolarityScorer, turn
from ir_transfer.nn.wct import float_moments, recolour, regularised, square_roots

_SHRINKAGE = 0.1
_EPS = 1e-3
_SHORT_SIDE = 192


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
        transfer: Places of transfer: a subset of ``"encoder"`` and ``"skip"``.
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
        _check(unpool, ("sum", "cat5"), "unpool")
        _check(exemplar_encoder, ("own", "shared"), "exemplar_encoder")
        for place in transfer:
            _check(place, ("encoder", "skip"), "each place of transfer")
        super().__init__(
            info,
            {
                "widths": list(widths),
                "depths": list(depths),
                "unpool": unpool,
                "transfer": list(transfer),
                "exemplar_encoder": exemplar_encoder,
                "out_channels": out_channels,
            },
        )
        self.places = place_widths(widths, transfer)
        self.encoder = WaveletEncoder(widths, depths, 3)
        self.decoder = WaveletDecoder(widths, depths, out_channels, unpool)
        self.own = exemplar_encoder == "own"
        if self.own:
            self.exemplar_encoder = WaveletEncoder(widths, depths, 2)
        levels = {place: width for place, width in self.places.items() if "." not in place}
        self.exemplar_refinement = Refinement(levels)
        self.content_refinement = Refinement(levels)
        self.polarity = PolarityScorer()

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``{place}.mean`` (B, C), ``{place}.colouring`` (B, C, C) and ``polarity`` (B, 1)."""
        sign = self.polarity.sign(exemplars, white_hot)
        pictures = _resize_short_side(turn(exemplars, sign), _SHORT_SIDE)
        features = self.exemplar_encoder(_with_rows(pictures)) if self.own else self.encoder(_rgb(pictures))
        moments = self._moments(features)
        refined = self._refine(self.exemplar_refinement, moments)
        roots = self._roots(moments)
        style = {"polarity": sign}
        for place, (offset, factor) in refined.items():
            style[f"{place}.mean"] = moments[place].mean + offset
            style[f"{place}.colouring"] = factor[..., None] * roots[place][0]
        return style

    def content_statistics(self, content: Tensor) -> Statistics:
        """Return matrix moments of every place of transfer for a picture or tile (B, 3, h, w)."""
        return Statistics(self._moments(self.encoder(content)))

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self.encoder(content)
        moments = statistics.places if statistics is not None else self._moments(features)
        refined = self._refine(self.content_refinement, moments)
        roots = self._roots(moments)
        for place, (offset, factor) in refined.items():
            mean = style[f"{place}.mean"] + offset
            colouring = factor[..., None] * style[f"{place}.colouring"]
            features[place] = recolour(features[place], moments[place].mean, roots[place][1], mean, colouring, strength)
        return turn(self.decoder(features), style["polarity"])

    def auxiliary_loss(self, exemplars: Tensor, white_hot: Tensor) -> Tensor:
        """Return the logistic loss of the polarity score; ``white_hot`` is (B,) bool."""
        return self.polarity.loss(exemplars, white_hot)

    def _moments(self, features: Mapping[str, Tensor]) -> dict[str, Moments]:
        return {place: float_moments(features[place]) for place in self.places}

    def _refine(self, refinement: Refinement, moments: Mapping[str, Moments]) -> dict[str, tuple[Tensor, Tensor]]:
        """Return offset and factor of every place; those without a refinement get 0 and 1."""
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


def _check(value: str, known: Sequence[str], name: str) -> None:
    if value not in known:
        raise InputError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")


def _rgb(pictures: Tensor) -> Tensor:
    return pictures.expand(-1, 3, -1, -1)


def _with_rows(pictures: Tensor) -> Tensor:
    rows = torch.linspace(-1, 1, pictures.shape[-2], device=pictures.device, dtype=pictures.dtype)
    return torch.cat([pictures, rows.view(1, 1, -1, 1).expand_as(pictures)], dim=1)


def _resize_short_side(pictures: Tensor, side: int) -> Tensor:
    """Resize so that the short side is about ``side`` and both are multiples of 8, as pooling needs."""
    height, width = pictures.shape[-2:]
    factor = side / min(height, width)
    size = (max(16, round(height * factor / 8) * 8), max(16, round(width * factor / 8) * 8))
    if size == (height, width):
        return pictures
    return F.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
