"""Johnson's feed-forward network with one style, on the compact network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.info import ModelInfo


class Johnson(FixedStyles):
    """A feed-forward network with one style per weight file.

    Every level of the neck is instance-normalised, then scaled and shifted by learned parameters (Ulyanov et al. 2016):
    ``y = gamma (x - mu(x)) / sigma(x) + beta``. The tone of the style's exemplars is stored with them.

    Args:
        info: Declaration of the model.
        looks: Name of the style, as a list of one.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Raises:
        InputError: The number of styles is not one.
    """

    def __init__(self, info: ModelInfo, looks: Sequence[str] = ("look",), **sizes: Any) -> None:
        if len(looks) != 1:
            raise InputError(f"expected one style for model {info.name!r}, got {len(looks)}: use cin for several")
        super().__init__(info, looks, sizes)
        self.affine = nn.Parameter(self.identity())

    def affine_of(self, name: str) -> nn.Parameter:
        """Return scales, then shifts (2 C) of the only style."""
        return self.affine

    def affine_style(self, numbers: Tensor) -> dict[str, Tensor]:
        """Return no tensors for styles by index (B,), since scales and shifts are parameters of the network."""
        return {}

    def affine_in(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return scales, then shifts (1, 2 C), independent of the style tensors."""
        return self.affine[None]
