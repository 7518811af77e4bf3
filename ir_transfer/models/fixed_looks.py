"""Models that know their looks by name: the looks are in the weights, and no exemplar is taken."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.checks import check_picture
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.look_names import unknown_look
from ir_transfer.models.polarity import Polarity, polarity_of_exemplar
from ir_transfer.models.style_code import POLARITY, StyleCode
from ir_transfer.nn.polarity import sign_of

QUANTILES = 17
"""Ranks from 0 to 1 at which the intensities of a look are kept."""


class FixedLooks(TranslationModel):
    """A model whose style is the name of a look; :meth:`look` takes the place of :meth:`prepare`.

    Args:
        info: What the model declares.
        looks: Names of the looks.
        hyper_parameters: Of the model, besides the looks.

    Attributes:
        intensities: Quantile functions of the looks' exemplars (N, 17); zeros until a training has noted them.

    Raises:
        InputError: No look, or one name twice.
    """

    intensities: Tensor

    def __init__(self, info: ModelInfo, looks: Sequence[str], hyper_parameters: Mapping[str, Any]) -> None:
        if not looks or len(set(looks)) != len(looks):
            raise InputError(f"expected one or more looks of different names for {info.name!r}, got {list(looks)}")
        super().__init__(info, {"looks": list(looks), **hyper_parameters})
        self.looks = tuple(looks)
        self.register_buffer("intensities", torch.zeros(len(looks), QUANTILES))

    @abstractmethod
    def encode_looks(self, looks: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the style tensors of looks by number (B,) and polarity (B,) bool; differentiable."""

    @torch.no_grad()
    def look(self, name: str, *, white_hot: bool = True) -> StyleCode:
        """Return the style code of a look.

        Args:
            name: One of ``looks``.
            white_hot: Whether hot is to be bright.

        Raises:
            UnknownNameError: The weights know no look of that name.
        """
        if name not in self.looks:
            raise UnknownNameError.among(f"look of model {self.info.name}", name, self.looks)
        device = self.intensities.device
        number, polarity = torch.tensor([self.looks.index(name)], device=device), torch.tensor([white_hot])
        metadata = {"weights_hash": self.weights_hash, "look": name, **Polarity(white_hot, "given").metadata()}
        return StyleCode(self.info.name, self.encode_looks(number, polarity.to(device)), metadata)

    @torch.no_grad()
    def style_for(self, exemplar: Tensor, white_hot: bool | None = None) -> StyleCode:
        """Return the look whose intensities are nearest to an exemplar's (1, 1, h, w) in the 1-Wasserstein distance.

        Where the polarity is not known, the shipped classifier judges it; near-infrared is taken as it is.

        Raises:
            InputError: Not an exemplar.
        """
        check_picture("exemplar", exemplar, 1)
        polarity = polarity_of_exemplar(exemplar, white_hot, self.metadata.get("band"))
        found = intensity_quantiles(exemplar if polarity.white_hot else 1 - exemplar).to(self.intensities)
        nearest = int((self.intensities - found).abs().mean(dim=1).argmin())
        code = self.look(self.looks[nearest], white_hot=polarity.white_hot)
        return replace(code, metadata={**code.metadata, **polarity.metadata()})

    def prepare(
        self,
        exemplars: Sequence[Tensor],
        weights: Sequence[float] | None = None,
        white_hot: bool | None = None,
        *,
        masks: Sequence[Tensor] | None = None,
    ) -> NoReturn:
        """Refuse: an exemplar is learned, not read.

        Raises:
            InputError: Always; the message has the looks and the command that trains another.
        """
        raise InputError(unknown_look(self.info.name, self.looks))

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> NoReturn:
        """Refuse; see :meth:`prepare`.

        Raises:
            InputError: Always.
        """
        raise InputError(unknown_look(self.info.name, self.looks))


def polarity_of(white_hot: Tensor) -> dict[str, Tensor]:
    """Return the tensor of a code that says the polarity (B,) bool."""
    return {POLARITY: sign_of(white_hot)}


def intensity_quantiles(pictures: Tensor) -> Tensor:
    """Return the quantile function (17,) of the intensities of infrared pictures of any shape."""
    ordered = pictures.float().flatten().sort().values
    ranks = torch.linspace(0, 1, QUANTILES, device=ordered.device) * (len(ordered) - 1)
    return ordered[ranks.round().long()]
