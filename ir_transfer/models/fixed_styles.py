"""Models with fixed styles, selected by name: scales, shifts and tones are part of the weights."""

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
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.polarity import Polarity
from ir_transfer.models.style_code import StyleCode, blend_codes
from ir_transfer.models.style_facts import LOOK, POLARITY
from ir_transfer.models.style_names import unknown_style_message
from ir_transfer.models.thermal import CONTRAST, GRAIN, ThermalModel, look_of
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import Moments
from ir_transfer.nn.polarity import apply_polarity, polarity_sign
from ir_transfer.nn.thermal.detail_contrast import detail_contrast
from ir_transfer.nn.thermal.grain import grain_deviation
from ir_transfer.nn.thermal.tone import KNOTS, Tone, knot_ranks, tone_of

_DEVIATION, _CONTRAST = 0.2, 0.25  # of styles without exemplars
_DETAIL = 1.2
"""Factor of the exemplar's contrast of detail: with 1, the spectra of three of four test sets are further off."""


class FixedStyles(ThermalModel):
    """A compact system whose styles are learned and named; see :meth:`style`.

    A style consists of a scale and a shift for every channel of the neck's levels, which are trained, and of the tone
    of its exemplars. For other exemplars, :meth:`prepare` combines the nearest learned style with their own tone.

    Args:
        info: Declaration of the model.
        looks: Names of the styles; the name of this hyper-parameter is stored in weight files.
        sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Attributes:
        styles: Names of the styles.
        quantiles: Quantiles of the styles' white-hot exemplars (N, 33); uniform around .5 without exemplars.
        means: Their means (N, 1).
        deviations: Their standard deviations (N, 1).
        contrasts: Their contrasts of detail (N, 1).
        grains: Deviations of their noise (N, 1).
        exemplars: White-hot exemplars (1, 1, h, w) by style, set by a training; not stored.

    Raises:
        InputError: No style, a duplicate name, or a name with a dot.
    """

    quantiles: Tensor
    means: Tensor
    deviations: Tensor
    contrasts: Tensor
    grains: Tensor

    def __init__(self, info: ModelInfo, looks: Sequence[str], sizes: Mapping[str, Any]) -> None:
        if not looks or len(set(looks)) != len(looks):
            raise InputError(f"expected one or more styles of different names for {info.name!r}, got {list(looks)}")
        if dotted := [name for name in looks if "." in name]:
            raise InputError(f"expected names of styles without a dot for {info.name!r}, got {dotted[0]!r}: rename it")
        super().__init__(info, sizes, looks=list(looks))
        self.styles = tuple(looks)
        self.exemplars: dict[str, list[Tensor]] = {}
        even = 0.5 + 12**0.5 * _DEVIATION * (knot_ranks() - 0.5)
        self.register_buffer("quantiles", even.expand(len(looks), KNOTS).clone())
        self.register_buffer("means", torch.full((len(looks), 1), 0.5))
        self.register_buffer("deviations", torch.full((len(looks), 1), _DEVIATION))
        self.register_buffer("contrasts", torch.full((len(looks), 1), _CONTRAST))
        self.register_buffer("grains", torch.zeros(len(looks), 1))

    # -- to be implemented by a model -------------------------------------------------------------------------------

    @abstractmethod
    def affine_of(self, name: str) -> nn.Parameter:
        """Return scales, then shifts (2 C) of a style, for the channels of all levels, finest level first."""

    @abstractmethod
    def affine_style(self, numbers: Tensor) -> dict[str, Tensor]:
        """Return the style tensors of scales and shifts, of styles by index (B,)."""

    @abstractmethod
    def affine_in(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return scales, then shifts (B or 1, 2 C) of a style."""

    # -- interface -------------------------------------------------------------------------------------------

    def identity(self) -> Tensor:
        """Return scales of 1, then shifts of 0 (2 C)."""
        channels = sum(self.neck.widths)
        return torch.cat([torch.ones(channels), torch.zeros(channels)])

    def contrast(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the contrast of detail (B, 1) of the style, raised by a fifth."""
        return _DETAIL * super().contrast(style)

    def encode_styles(self, numbers: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the style tensors of styles by index (B,) and polarity (B,) bool; differentiable."""
        tones = dict(zip(("quantiles", "mean", "deviation"), self._tones(), strict=True))
        found = {f"tone.{name}": values[numbers] for name, values in tones.items()}
        found |= {CONTRAST: self.contrasts[numbers], GRAIN: self.grains[numbers]}
        return {**self.affine_style(numbers), **found, POLARITY: polarity_sign(white_hot)}

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Normalise every channel, then apply the scale and shift of the style."""
        scales, shifts = self.affine_in(style).chunk(2, dim=1)
        first = sum(self.neck.widths[:level])
        channels = slice(first, first + self.neck.widths[level])
        return adain(features, moments, shifts[:, channels], scales[:, channels])

    @torch.no_grad()
    def style(self, name: str, *, white_hot: bool = True) -> StyleCode:
        """Return the style code of a style.

        Args:
            name: One of ``styles``.
            white_hot: Whether the result is white-hot.

        Raises:
            UnknownNameError: The weights have no style of that name.
        """
        if name not in self.styles:
            raise UnknownNameError.among(f"style of model {self.info.name}", name, self.styles)
        device = self.quantiles.device
        number, polarity = torch.tensor([self.styles.index(name)], device=device), torch.tensor([white_hot])
        metadata = {"weights_hash": self.weights_hash, LOOK: name, **Polarity(white_hot, "given").metadata()}
        return StyleCode(self.info.name, self.encode_styles(number, polarity.to(device)), metadata)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the nearest learned styles of exemplars (B, 1, h, w), with their own tone, contrast and grain."""
        upright = apply_polarity(exemplars, polarity_sign(white_hot.to(exemplars.device)).to(exemplars))
        learned = self.encode_styles(self._nearest(tone_of(upright)), white_hot)
        return {**learned, **look_of(upright)}

    def prepare(
        self,
        exemplars: Sequence[Tensor],
        weights: Sequence[float] | None = None,
        white_hot: bool | None = None,
        *,
        masks: Sequence[Tensor] | None = None,
    ) -> StyleCode:
        """Return the nearest learned style of the exemplars, with their tone, contrast, grain and polarity.

        Several exemplars blend their styles. See :meth:`TranslationModel.prepare`; ``look`` in the code's metadata
        names the learned styles.
        """
        if len(exemplars) == 1:
            return self._with_look(super().prepare(exemplars, weights, white_hot, masks=masks), exemplars[0])
        if not exemplars:
            raise InputError("expected at least one exemplar, got none")
        codes = [self.prepare([exemplar], white_hot=white_hot, masks=masks) for exemplar in exemplars]
        return blend_codes(codes, weights if weights is not None else [1.0] * len(codes))

    def _with_look(self, code: StyleCode, exemplar: Tensor) -> StyleCode:
        tone = tone_of(exemplar if code.white_hot else 1 - exemplar)
        return replace(code, metadata={**code.metadata, LOOK: self.styles[int(self._nearest(tone))]})

    def _nearest(self, tone: Tone) -> Tensor:
        """Return the indices (B,) of the styles whose quantiles are nearest on average to those of tones."""
        found = tone.quantiles.to(self.quantiles)[:, None]
        return (self.quantiles - found).abs().mean(dim=2).argmin(dim=1)

    def encode_style(self, exemplars: Tensor) -> NoReturn:
        """Raise an error, since styles are learned and :meth:`encode` selects among them.

        Raises:
            InputError: Always.
        """
        raise InputError(unknown_style_message(self.info.name, self.styles))

    # -- training -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def set_style_exemplars(self, name: str, exemplars: Sequence[Tensor]) -> None:
        """Store the mean tone, contrast of detail and grain of a style's exemplars; keep them for :meth:`adopt`.

        Args:
            name: One of ``styles``.
            exemplars: One or more white-hot infrared images (1, 1, h, w) in [0, 1]; sizes may differ.
        """
        tones = zip(*(tone_of(exemplar) for exemplar in exemplars), strict=True)
        contrast, grain = (
            torch.stack([measure(exemplar) for exemplar in exemplars]).mean(0)
            for measure in (detail_contrast, grain_deviation)
        )
        self._store_look(name, Tone(*(torch.stack(values).mean(0) for values in tones)), contrast, grain)
        self.exemplars[name] = list(exemplars)

    @torch.no_grad()
    def adopt(self, trained: TranslationModel) -> None:
        """Copy the network and the styles of a trained compact system.

        Styles of the same name are copied; others are initialised with the mean of the copied model's styles. From
        AdaIN, each style gets AdaIN's statistics of the style's exemplars, so that both translate alike but for the
        strength of detail. Tones set by :meth:`set_style_exemplars` are kept.

        Raises:
            WeightsError: The model is not a compact system, or has another size.
        """
        if not isinstance(trained, ThermalModel):
            super().adopt(trained)
            return
        self.adopt_network(trained)
        if isinstance(trained, FixedStyles):
            self._adopt_styles(trained)
        elif isinstance(trained, AdaIN):
            for name, exemplars in self.exemplars.items():
                style = trained.prepare(exemplars, white_hot=True).tensors
                parts = [style[f"level{level}.{part}"] for part in ("std", "mean") for level in range(self._levels)]
                self.affine_of(name).copy_(torch.cat(parts, dim=1)[0])

    @property
    def _levels(self) -> int:
        return len(self.neck.widths)

    def _adopt_styles(self, trained: FixedStyles) -> None:
        mean = torch.stack([trained.affine_of(name) for name in trained.styles]).mean(dim=0)
        for name in self.styles:
            known = name in trained.styles
            self.affine_of(name).copy_(trained.affine_of(name) if known else mean)
            if known and name not in self.exemplars:
                number = trained.styles.index(name)
                own = slice(number, number + 1)
                tone = Tone(*(values[own] for values in trained._tones()))
                self._store_look(name, tone, trained.contrasts[own], trained.grains[own])

    def _tones(self) -> Tone:
        return Tone(self.quantiles, self.means, self.deviations)

    def _store_look(self, name: str, tone: Tone, contrast: Tensor, grain: Tensor) -> None:
        number = self.styles.index(name)
        self.contrasts[number], self.grains[number] = contrast[0], grain[0]
        for kept, values in zip(self._tones(), tone, strict=True):
            kept[number] = values[0]
