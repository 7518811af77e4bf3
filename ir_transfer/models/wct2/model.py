"""WCT2: gives the neck's features the covariance of the exemplar's features; detail comes from Haar bands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ir_transfer.models.base import TranslationModel
from ir_transfer.models.building import build_published_or_sized
from ir_transfer.models.capabilities import LabelMaps
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.thermal import OVERVIEW_PIXELS, ThermalModel
from ir_transfer.models.wct2 import published
from ir_transfer.models.wct2.paper import PaperWCT2
from ir_transfer.models.wct2.regions import asked_statistics, region_key, regions_of
from ir_transfer.nn.moments import Moments, covariance_moments
from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder, standardised
from ir_transfer.nn.thermal.haar_detail import HaarDetail
from ir_transfer.nn.wct import recolour, regularised, square_roots

_SHRINKAGE = 0.15
_EPS = 1e-3
_SMALLEST_REGION = 16  # positions, of the 80 of a whole exemplar at the coarsest levels


class WCT2(ThermalModel, LabelMaps):
    """Whitening and colouring of the neck's features at every level, with gated Haar bands of the RGB image.

    Yoo et al. 2019. The content is encoded once; whitening removes its covariance and colouring applies that of the
    exemplar's features, which come from a separate encoder.

    Args:
        info: Declaration of the model.
        exemplar_widths: Channels of the exemplar encoder's levels.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.
    """

    def __init__(self, info: ModelInfo, exemplar_widths: Sequence[int] = (16, 32, 64, 96), **sizes: Any) -> None:
        super().__init__(info, sizes, exemplar_widths=list(exemplar_widths))
        self.exemplar_encoder = ExemplarEncoder(self.neck.widths, exemplar_widths)

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the requested size or that of the file; see :func:`ir_transfer.create_model`."""
        return build_published_or_sized(SIZES, info, weights, encoder_weights, hyper_parameters, published.load)

    def make_detail(self, widths: Sequence[int]) -> HaarDetail:
        """Return the gated Haar bands."""
        return HaarDetail(widths[0], widths[1])

    def overview_factor(self, height: int, width: int) -> int:
        """Return the least power of 2 for an overview of at most :data:`OVERVIEW_PIXELS`."""
        return int(2 ** max(0, math.ceil(math.log2(height * width / OVERVIEW_PIXELS) / 2)))

    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean`` (B, C_l) and ``level{l}.colouring`` (B, C_l, C_l)."""
        style: dict[str, Tensor] = {}
        for level, features in enumerate(self.exemplar_encoder(exemplars)):
            style |= _asked(f"level{level}", covariance_moments(features))
        return style

    def measure(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return matrix moments of features (B, C, h, w), with position weights (B or 1, 1, h, w)."""
        return covariance_moments(features, weights)

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Whiten features (B, C_l, h, w) of a level and colour them with the exemplar's covariance."""
        place = f"level{level}"
        return _recoloured(features, moments, style[f"{place}.mean"], style[f"{place}.colouring"])

    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor, mask: Tensor, labels: Sequence[int]
    ) -> dict[str, Tensor]:
        """Return the style of :meth:`encode`, and the same for each label under ``level{l}@{label}``."""
        style = self.encode(exemplar, white_hot)
        upright = exemplar if bool(white_hot.all()) else 1 - exemplar
        for level, features in enumerate(self.exemplar_encoder(standardised(upright))):
            whole = covariance_moments(features)
            for region in regions_of(mask, features, labels):
                style |= _asked(
                    region_key(f"level{level}", region.label), region.moments(features, whole, _SMALLEST_REGION)
                )
        return style

    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one image (1, 3, H, W) with its label map (1, 1, H, W)."""
        return self._masked(mask).translate(content, style, strength, None)

    def _masked(self, mask: Tensor) -> WCT2:
        masked = object.__new__(_MaskedWCT2)
        masked.__dict__ = {**self.__dict__, "mask": mask}
        return masked


class _MaskedWCT2(WCT2):
    """A view of a model that aligns levels by region."""

    mask: Tensor

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Whiten and colour every label's region by its own statistics."""
        place = f"level{level}"
        aligned = super().align(level, features, moments, style)
        for region in regions_of(self.mask, features):
            inside = region.moments(features, moments, _SMALLEST_REGION)
            mean, colouring = asked_statistics(style, place, region.label)
            aligned = torch.where(region.where, _recoloured(features, inside, mean, colouring), aligned)
        return aligned


def _asked(place: str, moments: Moments) -> dict[str, Tensor]:
    root, _ = _roots(moments)
    return {f"{place}.mean": moments.mean, f"{place}.colouring": root}


def _recoloured(features: Tensor, moments: Moments, mean: Tensor, colouring: Tensor) -> Tensor:
    return recolour(features, moments.mean, _roots(moments)[1], mean, colouring)


def _roots(moments: Moments) -> tuple[Tensor, Tensor]:
    with torch.autocast(moments.mean.device.type, enabled=False):
        return square_roots(regularised(moments, _SHRINKAGE, _EPS))


SIZES: dict[str, type[TranslationModel]] = {"compact": WCT2, "vgg19": PaperWCT2}
