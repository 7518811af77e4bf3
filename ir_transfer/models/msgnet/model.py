"""MSG-Net: the neck's features are matched with the exemplar's second-order statistics, with a brush size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.building import build_sized
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.msgnet.paper import PaperMSGNet
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.comatch import CoMatch
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Moments, channel_moments, standardised_by
from ir_transfer.nn.thermal.exemplar_encoder import SHORT_SIDE, ExemplarEncoder

_EPS = 1e-3


class MSGNet(ThermalModel):
    """CoMatch at every level of the neck, on standardised features.

    Zhang and Dana 2017, equation 4: features times a learned matrix W times the exemplar's Gram matrix. Here Gram
    matrix and features are those of standardised channels, the match is a residual, and the
    exemplar's deviation and mean are applied afterwards: ``mu_s + sigma_s (x + x W G)``. W is initially 0, which is
    AdaIN, so that training can start from AdaIN's weights.

    The exemplar is resized to the brush size; a large one is a coarse brush. Each training step draws one of several.

    Args:
        info: Declaration of the model.
        exemplar_widths: Channels of the exemplar encoder's levels.
        brush: Short side in pixels to which an exemplar is resized. May differ from those of the training.
        brushes: Brush sizes of the training.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Raises:
        InputError: A brush below 16 pixels, or none for the training.
    """

    run_options: Mapping[str, RunOption] = {
        "brush": RunOption("short side in pixels of resized exemplars: large is a coarse brush", int, SMALLEST_SIDE),
    }

    def __init__(
        self,
        info: ModelInfo,
        exemplar_widths: Sequence[int] = (16, 32, 64, 96),
        brush: int = SHORT_SIDE,
        brushes: Sequence[int] = (64, 96, 128),
        **sizes: Any,
    ) -> None:
        if not brushes or min(brush, *brushes) < SMALLEST_SIDE:
            raise InputError(
                f"expected a brush, and one or more brushes for the training, of at least {SMALLEST_SIDE} pixels, got "
                f"{brush} and {list(brushes)}"
            )
        super().__init__(info, sizes, exemplar_widths=list(exemplar_widths), brush=brush, brushes=list(brushes))
        self.exemplar_encoder = ExemplarEncoder(self.neck.widths, exemplar_widths)
        self.matches = nn.ModuleList(CoMatch(width) for width in self.neck.widths)
        for match in self.matches:
            nn.init.zeros_(match.weight)  # type: ignore[arg-type]

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the requested size or that of the file; see :func:`ir_transfer.create_model`."""
        if encoder_weights is not None:
            raise InputError(f"expected no encoder_weights for model {info.name!r}, got {encoder_weights!s}")
        return build_sized(SIZES, info, weights, hyper_parameters.pop("size", None), hyper_parameters)

    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean``, ``level{l}.std`` (B, C_l) and ``level{l}.gram`` (B, C_l, C_l)."""
        style: dict[str, Tensor] = {}
        for level, features in enumerate(self.exemplar_encoder(exemplars, self._brush())):
            moments = channel_moments(features)
            style |= {f"level{level}.mean": moments.mean, f"level{level}.std": moments.std(_EPS)}
            style[f"level{level}.gram"] = gram_matrix(standardised_by(features, moments, _EPS))
        return style

    def _brush(self) -> int:
        if not self.training:
            return int(self.hyper_parameters["brush"])
        brushes = self.hyper_parameters["brushes"]
        return int(brushes[int(torch.randint(len(brushes), ()))])

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Match features (B, C_l, h, w) with the exemplar's Gram matrix, then apply its deviation and mean."""
        standardised = standardised_by(features, moments)
        matched = standardised + self.matches[level](standardised, style[f"level{level}.gram"])
        std, mean = (style[f"level{level}.{name}"][..., None, None].to(matched) for name in ("std", "mean"))
        aligned: Tensor = matched * std + mean
        return aligned


SIZES: dict[str, type[TranslationModel]] = {"compact": MSGNet, "paper": PaperMSGNet}
