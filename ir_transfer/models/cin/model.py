"""Conditional instance normalisation on the compact network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.info import ModelInfo


class CIN(FixedStyles):
    """A compact system with a scale and a shift per channel for each of its styles.

    ``z = gamma_s (x - mu) / sigma + beta_s`` (Dumoulin et al. 2017, equation 5) at every level of the neck. Styles
    are blended by their scales, shifts and tones (equation 6). A new style only needs new scales and shifts: see
    configs/train/cin-new-look.yaml.

    Args:
        info: Declaration of the model.
        looks: Names of the styles.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Attributes:
        table: Scales, then shifts (2 C) of each style by name.

    Raises:
        InputError: No style, or a duplicate name.
    """

    def __init__(self, info: ModelInfo, looks: Sequence[str] = ("look",), **sizes: Any) -> None:
        super().__init__(info, looks, sizes)
        self.table = nn.ParameterDict({name: nn.Parameter(self.identity()) for name in looks})

    def affine_of(self, name: str) -> nn.Parameter:
        """Return scales, then shifts (2 C) of a style."""
        row: nn.Parameter = self.table[name]
        return row

    def affine_style(self, numbers: Tensor) -> dict[str, Tensor]:
        """Return ``affine`` (B, 2 C), scales then shifts."""
        return {"affine": torch.stack([self.table[name] for name in self.styles])[numbers]}

    def affine_in(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the style's scales, then shifts (B, 2 C)."""
        return style["affine"]
