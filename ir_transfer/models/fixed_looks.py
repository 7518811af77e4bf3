"""Models that know their looks by name: scales, shifts and tones are in the weights, and no exemplar is taken."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.adain.model import AdaIN
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.checks import check_picture
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.look_names import unknown_look
from ir_transfer.models.polarity import Polarity, polarity_of_exemplar
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import Moments
from ir_transfer.nn.polarity import sign_of
from ir_transfer.nn.thermal.tone import KNOTS, Tone, knot_ranks, tone_of

_DEVIATION = 0.2  # of looks without exemplars


class FixedLooks(ThermalModel):
    """A compact system whose style is the name of a look; :meth:`look` takes the place of :meth:`prepare`.

    A look is a scale and a shift for every channel of the neck's levels, learned instead of read from an exemplar, and
    the tone of its exemplars.

    Args:
        info: What the model declares.
        looks: Names of the looks.
        sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Attributes:
        quantiles: Of the looks' exemplars, white-hot (N, 33); even around .5 until a training has noted others.
        means: Their means (N, 1).
        deviations: Their deviations (N, 1).
        exemplars: White-hot exemplars (1, 1, h, w) of the looks that a training has noted, by name; not stored.

    Raises:
        InputError: No look, one name twice, or a name with a dot.
    """

    quantiles: Tensor
    means: Tensor
    deviations: Tensor

    def __init__(self, info: ModelInfo, looks: Sequence[str], sizes: Mapping[str, Any]) -> None:
        if not looks or len(set(looks)) != len(looks):
            raise InputError(f"expected one or more looks of different names for {info.name!r}, got {list(looks)}")
        if dotted := [name for name in looks if "." in name]:
            raise InputError(f"expected names of looks without a dot for {info.name!r}, got {dotted[0]!r}: rename it")
        super().__init__(info, sizes, looks=list(looks))
        self.looks = tuple(looks)
        self.exemplars: dict[str, list[Tensor]] = {}
        even = 0.5 + 12**0.5 * _DEVIATION * (knot_ranks() - 0.5)
        self.register_buffer("quantiles", even.expand(len(looks), KNOTS).clone())
        self.register_buffer("means", torch.full((len(looks), 1), 0.5))
        self.register_buffer("deviations", torch.full((len(looks), 1), _DEVIATION))

    # -- to be written by a model -------------------------------------------------------------------------------

    @abstractmethod
    def affine_of(self, name: str) -> nn.Parameter:
        """Return scales, then shifts (2 C) of a look, of all levels' channels, finest level first."""

    @abstractmethod
    def affine_style(self, looks: Tensor) -> dict[str, Tensor]:
        """Return the tensors of a style that say its scales and shifts, for looks by number (B,)."""

    @abstractmethod
    def affine_in(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return scales, then shifts (B or 1, 2 C) that a style asks for."""

    # -- the contract -------------------------------------------------------------------------------------------

    def identity(self) -> Tensor:
        """Return scales of 1, then shifts of 0 (2 C): features that are normalised and no more."""
        channels = sum(self.neck.widths)
        return torch.cat([torch.ones(channels), torch.zeros(channels)])

    def encode_looks(self, looks: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the style tensors of looks by number (B,) and polarity (B,) bool; differentiable."""
        tones = dict(zip(("quantiles", "mean", "deviation"), self._tones(), strict=True))
        found = {f"tone.{name}": values[looks] for name, values in tones.items()}
        return {**self.affine_style(looks), **found, POLARITY: sign_of(white_hot)}

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Normalise every channel, then scale and shift it by the look's numbers."""
        scales, shifts = self.affine_in(style).chunk(2, dim=1)
        first = sum(self.neck.widths[:level])
        channels = slice(first, first + self.neck.widths[level])
        return adain(features, moments, shifts[:, channels], scales[:, channels])

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
        device = self.quantiles.device
        number, polarity = torch.tensor([self.looks.index(name)], device=device), torch.tensor([white_hot])
        metadata = {"weights_hash": self.weights_hash, "look": name, **Polarity(white_hot, "given").metadata()}
        return StyleCode(self.info.name, self.encode_looks(number, polarity.to(device)), metadata)

    @torch.no_grad()
    def style_for(self, exemplar: Tensor, white_hot: bool | None = None) -> StyleCode:
        """Return the look whose tone is nearest to an exemplar's (1, 1, h, w): mean distance of the quantiles.

        Where the polarity is not known, the shipped classifier judges it; near-infrared is taken as it is.

        Raises:
            InputError: Not an exemplar.
        """
        check_picture("exemplar", exemplar, 1)
        polarity = polarity_of_exemplar(exemplar, white_hot, self.metadata.get("band"))
        found = tone_of(exemplar if polarity.white_hot else 1 - exemplar).quantiles.to(self.quantiles)
        nearest = int((self.quantiles - found).abs().mean(dim=1).argmin())
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

    def encode_style(self, exemplars: Tensor) -> NoReturn:
        """Refuse; see :meth:`prepare`.

        Raises:
            InputError: Always.
        """
        raise InputError(unknown_look(self.info.name, self.looks))

    # -- training -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def note_look(self, name: str, exemplars: Sequence[Tensor]) -> None:
        """Store the mean tone of a look's exemplars (1, 1, h, w), white-hot in [0, 1], and keep them for :meth:`adopt`.

        Args:
            name: One of ``looks``.
            exemplars: One or more; sizes may differ.
        """
        tones = zip(*(tone_of(exemplar) for exemplar in exemplars), strict=True)
        self._store_tone(name, Tone(*(torch.stack(values).mean(0) for values in tones)))
        self.exemplars[name] = list(exemplars)

    @torch.no_grad()
    def adopt(self, trained: TranslationModel) -> None:
        """Take over the network of a trained compact system, and its looks.

        Looks of the same name keep their scales and shifts; others begin as the mean of the file's looks. Of AdaIN,
        each look takes what AdaIN makes of the look's exemplars, so that both translate alike. The tone of a look that
        :meth:`note_look` was given is not replaced.

        Raises:
            WeightsError: It is no compact system, or of another size.
        """
        if not isinstance(trained, ThermalModel):
            super().adopt(trained)
            return
        self.adopt_network(trained)
        if isinstance(trained, FixedLooks):
            self._adopt_looks(trained)
        elif isinstance(trained, AdaIN):
            for name, exemplars in self.exemplars.items():
                style = trained.prepare(exemplars, white_hot=True).tensors
                parts = [style[f"level{level}.{part}"] for part in ("std", "mean") for level in range(self._levels)]
                self.affine_of(name).copy_(torch.cat(parts, dim=1)[0])

    @property
    def _levels(self) -> int:
        return len(self.neck.widths)

    def _adopt_looks(self, trained: FixedLooks) -> None:
        mean = torch.stack([trained.affine_of(name) for name in trained.looks]).mean(dim=0)
        for name in self.looks:
            known = name in trained.looks
            self.affine_of(name).copy_(trained.affine_of(name) if known else mean)
            if known and name not in self.exemplars:
                number = trained.looks.index(name)
                self._store_tone(name, Tone(*(values[number : number + 1] for values in trained._tones())))

    def _tones(self) -> Tone:
        return Tone(self.quantiles, self.means, self.deviations)

    def _store_tone(self, name: str, tone: Tone) -> None:
        number = self.looks.index(name)
        for kept, values in zip(self._tones(), tone, strict=True):
            kept[number] = values[0]
