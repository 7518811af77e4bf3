"""Johnson's one look per network, with instance normalisation, on the compact network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.info import ModelInfo


class Johnson(FixedStyles):
    """A feed-forward network that knows one look: the look is the weight file.

    Every level of the neck is instance-normalised, then scaled and shifted by learned numbers (Ulyanov et al. 2016):
    ``y = gamma (x - mu(x)) / sigma(x) + beta``. The tone of the look's exemplars is stored beside them.

    Args:
        info: What the model declares.
        looks: Name of the look, alone in a list.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Raises:
        InputError: More or fewer looks than one.
    """

    def __init__(self, info: ModelInfo, looks: Sequence[str] = ("look",), **sizes: Any) -> None:
        if len(looks) != 1:
            raise InputError(f"expected one look for model {info.name!r}, got {len(looks)}: take cin for several")
        super().__init__(info, looks, sizes)
        self.affine = nn.Parameter(self.identity())

    def affine_of(self, name: str) -> nn.Parameter:
        """Return the scales, then the shifts; there are no others."""
        return self.affine

    def affine_style(self, looks: Tensor) -> dict[str, Tensor]:
        """Return nothing: scales and shifts are the network's own."""
        return {}

    def affine_in(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the network's scales, then shifts (1, 2 C), of any style."""
        return self.affine[None]
