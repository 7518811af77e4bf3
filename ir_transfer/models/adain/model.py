"""AdaIN: gives the neck's features the channel statistics of the exemplar's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ir_transfer.models.adain import published
from ir_transfer.models.adain.alignment import ALIGNMENT_OPTION, alignment_named, exemplar_statistics
from ir_transfer.models.adain.paper import PaperAdaIN
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.building import build_published_or_sized
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.adain import level_statistics
from ir_transfer.nn.moments import Moments
from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder


class AdaIN(ThermalModel):
    """Gives the neck's features the channel statistics of the exemplar's features, at every level.

    Huang and Belongie 2017, equation 8. The exemplar has its own encoder, since infrared and RGB images have
    different features. Its statistics can be stored and blended.

    Args:
        info: Declaration of the model.
        exemplar_widths: Channels of the exemplar encoder's levels.
        alignment: Alignment of the features, a run option: ``"moments"`` is AdaIN, ``"coral"`` matches the
            covariance, ``"histogram"`` the distribution of each channel; see :mod:`ir_transfer.models.adain.alignment`.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.
    """

    run_options: Mapping[str, RunOption] = ALIGNMENT_OPTION

    def __init__(
        self,
        info: ModelInfo,
        exemplar_widths: Sequence[int] = (16, 32, 64, 96),
        alignment: str = "moments",
        **sizes: Any,
    ) -> None:
        super().__init__(info, sizes, exemplar_widths=list(exemplar_widths), alignment=alignment)
        self.alignment = alignment_named(alignment)
        self.exemplar_encoder = ExemplarEncoder(self.neck.widths, exemplar_widths)

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the requested size or that of the file; see :func:`ir_transfer.create_model`."""
        return build_published_or_sized(SIZES, info, weights, encoder_weights, hyper_parameters, published.load)

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        self.alignment = alignment_named(self.hyper_parameters["alignment"])

    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean`` and ``level{l}.std`` (B, C_l), and the extra tensor of the alignment."""
        levels = self.exemplar_encoder(exemplars)
        style = level_statistics(levels)
        for level, features in enumerate(levels):
            if (extra := self.alignment.encode(features)) is not None:
                style[f"level{level}.{self.alignment.extra}"] = extra
        return style

    def measure(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return the moments of features (B, C, h, w) for the alignment, with position weights (B or 1, 1, h, w)."""
        return self.alignment.statistics(features, weights)

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Give features (B, C_l, h, w) of a level the exemplar's statistics."""
        exemplar = exemplar_statistics(style, f"level{level}", self.alignment)
        return self.alignment.align(features, moments, exemplar, 1.0)


SIZES: dict[str, type[TranslationModel]] = {"compact": AdaIN, "vgg19": PaperAdaIN}
