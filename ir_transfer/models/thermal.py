"""Base of all compact models: content encoder, neck and detail; subclasses define the effect of a style on the neck."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import FrozenEncoder, Tiles
from ir_transfer.models.encoder_files import load_encoder
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.nn.content_encoder import ContentEncoder, ContentFeatures
from ir_transfer.nn.moments import Moments, Statistics, channel_moments
from ir_transfer.nn.polarity import apply_polarity, polarity_sign
from ir_transfer.nn.precision import at_least_float32, full_precision
from ir_transfer.nn.thermal import detail_contrast
from ir_transfer.nn.thermal.contours import steepened
from ir_transfer.nn.thermal.detail import Detail, DetailMaps
from ir_transfer.nn.thermal.detail_strength import DetailStrength
from ir_transfer.nn.thermal.exemplar_encoder import pooled, standardised
from ir_transfer.nn.thermal.grain import add_grain, grain_deviation
from ir_transfer.nn.thermal.guided import GuidedDetail
from ir_transfer.nn.thermal.lamps import lamp_share
from ir_transfer.nn.thermal.local_contrast import CELL
from ir_transfer.nn.thermal.neck import ThermalNeck
from ir_transfer.nn.thermal.overview import SAME, Scale, at_overview, encoder_image, overview_of
from ir_transfer.nn.thermal.regions import Regions, regions_of
from ir_transfer.nn.thermal.saturation import fill_hidden, hidden_share
from ir_transfer.nn.thermal.tone import Tone, apply_tone, tone_from, tone_moments, tone_of
from ir_transfer.nn.thermal.windows import Window

OVERVIEW_PIXELS = 500_000
"""Largest number of pixels of the overview, the image reduced by an integer factor, of the thermal map."""

SHARED: dict[str, Any] = {
    "encoder_widths": (16, 32, 64, 128, 160),
    "encoder_depths": (0, 1, 2, 3, 3),
    "head_width": 48,
    "widths": (64, 96, 96, 96),
    "depths": (2, 2, 2, 2),
    "fills_hidden": False,
}
"""Hyper-parameters of all compact systems, by name: the size of the bundled weights, and whether the map is that of
long-wave infrared, without lamps and glare and with contours of regions. In near infrared, lamps are bright."""

_BYTES_PER_PIXEL = 56
"""Measured peak memory per pixel of a tile."""
_OVERVIEW_BYTES = 350 * 10**6
"""Upper limit of the memory for the largest overview."""

TONE = ("tone.quantiles", "tone.mean", "tone.deviation")
"""Names in a style of the fields of :class:`~ir_transfer.nn.thermal.tone.Tone`."""

CONTRAST = "detail.contrast"
"""Name in a style of the contrast of detail; see :mod:`ir_transfer.nn.thermal.detail_contrast`."""

GRAIN = "grain.deviation"
"""Name in a style of the deviation of the exemplar's noise; see :mod:`ir_transfer.nn.thermal.grain`."""

_ENERGY = "detail.energy"


@dataclass(frozen=True)
class Survey:
    """Analysis of a whole image, from which any window of it can be translated.

    Attributes:
        maps: Thermal map and coefficients of the detail.
        tone: Tone of the canonical image.
        statistics: Statistics of the neck's levels, ``level0`` to ``level3``, of the detail and of the tone.
        canonical: Canonical image (B, 1, H, W), if the overview has the size of the image.
    """

    maps: DetailMaps
    tone: Tone
    statistics: Statistics
    canonical: Tensor | None = None


class ThermalModel(TranslationModel, Tiles, FrozenEncoder):
    """Translates to white-hot images in canonical tone, to which tone and polarity of the exemplar are applied.

    The overview, a reduced image, is passed through the content encoder and the neck, where the style acts on
    standardised features. The detail of the RGB image is added to the resulting thermal map at full size, so that tiles
    equal the whole image at any size.

    Args:
        info: Declaration of the model.
        shared: Hyper-parameters that differ from :data:`SHARED`.
        **own: Further hyper-parameters of the system.

    Raises:
        InputError: An unknown hyper-parameter.
    """

    def __init__(self, info: ModelInfo, shared: Mapping[str, Any], **own: Any) -> None:
        if unknown := shared.keys() - SHARED.keys():
            raise InputError(
                f"expected hyper-parameters of model {info.name!r} among {', '.join([*SHARED, *own])}, "
                f"got {', '.join(sorted(unknown))}"
            )
        stored: Any = {n: list(v) if isinstance(v, tuple) else v for n, v in {**SHARED, **shared, **own}.items()}
        super().__init__(info, stored)
        self.encoder = ContentEncoder(stored["encoder_widths"], stored["encoder_depths"], stored["head_width"])
        self.neck = ThermalNeck(stored["encoder_widths"][1:], stored["widths"], stored["depths"])
        self.detail = self.make_detail(stored["widths"])
        self.strength = DetailStrength(stored["widths"][1])
        self.fills_hidden = bool(stored["fills_hidden"])

    def make_detail(self, widths: Sequence[int]) -> Detail:
        """Return the network from the neck's levels of these widths to the full-size image."""
        return GuidedDetail(widths[0], widths[1])

    def take_encoder(self, source: str | Path) -> None:
        """Load a distilled or the bundled content encoder, and freeze it."""
        load_encoder(self.encoder, source)
        self.encoder.requires_grad_(False)

    def adopt(self, trained: TranslationModel) -> None:
        """Copy trained weights; from another compact system, those of the shared networks, at least encoder and neck.

        Raises:
            WeightsError: The model is not a compact system, or has another size.
        """
        if not isinstance(trained, ThermalModel) or type(trained) is type(self):
            super().adopt(trained)
        else:
            self.adopt_network(trained)

    def adopt_network(self, trained: ThermalModel) -> None:
        """Copy the weights of the networks that both compact systems have, without their styles.

        Raises:
            WeightsError: The model has another size.
        """
        own = self.state_dict()
        detail = "detail." if type(self.detail) is type(trained.detail) else "detail.to_thermal."
        wanted = ("encoder.", "neck.", "exemplar_encoder.", "strength.", detail)
        shared = {n: v for n, v in trained.state_dict().items() if n in own and n.startswith(wanted)}
        self._load({**own, **shared}, trained)

    @property
    def tile_needs(self) -> TileNeeds:
        """Memory of tiles, which need no margin and start at multiples of 4 overview pixels."""
        return TileNeeds(0, 0, 4, _BYTES_PER_PIXEL, _OVERVIEW_BYTES)

    @abstractmethod
    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return style tensors of white-hot, standardised exemplars (B, 1, h, w); differentiable."""

    @abstractmethod
    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Apply the style to features (B, C, h, w) of a level of the neck, given their moments."""

    def measure(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return the moments of features (B, C, h, w) for :meth:`align`, with position weights (B or 1, 1, h, w)."""
        return channel_moments(features, weights)

    def contrast(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the contrast of detail (B, 1) of the style."""
        return style[CONTRAST]

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the style of exemplars (B, 1, h, w) in [0, 1]: the system's tensors, tone, detail, grain, polarity."""
        sign = polarity_sign(white_hot.to(exemplars.device)).to(exemplars)
        upright = apply_polarity(exemplars, sign)
        return {**self.encode_style(standardised(upright)), **look_of(upright), POLARITY: sign}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate whole images (B, 3, H, W) to (B, 1, H, W); ``statistics`` replace those of the images."""
        factor = self.overview_factor(*content.shape[-2:])
        survey = self.survey(overview_of(content, factor), factor, style, statistics=statistics)
        return self.translate_window(content, survey, Window.whole(*content.shape[-2:]), style, strength)

    def overview_factor(self, height: int, width: int) -> int:
        """Return the factor by which an image is reduced to its overview."""
        return max(1, math.ceil(math.sqrt(height * width / OVERVIEW_PIXELS)))

    def survey(
        self,
        overview: Tensor,
        factor: int,
        style: Mapping[str, Tensor],
        *,
        weights: Tensor | None = None,
        statistics: Statistics | None = None,
    ) -> Survey:
        """Analyse a whole image.

        Args:
            overview: The image reduced by ``factor`` (B, 3, h, w), as :func:`overview_of` does.
            factor: See :meth:`overview_factor`.
            style: Style tensors.
            weights: Share of valid pixels at every position (1, 1, h, w); None if all are valid.
            statistics: Statistics that replace those of the image, for the frames of a video.
        """
        image, scale = encoder_image(overview)
        maps, measured = self.maps(overview, self.encoder(image), style, statistics, weights, scale)
        canonical = None
        if statistics is None:
            canonical = self.detail.render(overview, maps.at(1), Window.whole(*overview.shape[-2:]))
            tone = tone_of(canonical, weights)
            measured |= tone_moments(tone, overview.shape[-2] * overview.shape[-1])
        else:
            tone, measured = tone_from(statistics), dict(statistics.places)
        return Survey(maps.at(factor), tone, Statistics(measured), canonical if factor == 1 else None)

    def maps(
        self,
        overview: Tensor,
        features: ContentFeatures,
        style: Mapping[str, Tensor],
        statistics: Statistics | None = None,
        weights: Tensor | None = None,
        scale: Scale = SAME,
    ) -> tuple[DetailMaps, dict[str, Moments]]:
        """Return the maps that the full-size image is computed from, and the moments of the neck's levels and detail.

        ``features`` are the encoder's of ``overview`` (B, 3, h, w), resized by ``scale``; ``statistics`` and
        ``weights`` are those of :meth:`survey`.
        """
        measured: dict[str, Moments] = {}

        def align(level: int, neck: Tensor) -> Tensor:
            place = f"level{level}"
            if statistics is None:
                measured[place] = self.measure(neck, None if weights is None else pooled(weights, neck))
            else:
                measured[place] = statistics[place]
            return self.align(level, neck, measured[place], style)

        seen, levels = regions_of(features.logits), self.neck(features, align)
        regions = seen.of_overview(overview, scale)
        maps = self._maps(levels, overview, seen, regions, scale)
        own = self.detail.detail_energy(maps, overview)
        evened = detail_contrast.finer(at_overview(self.strength(levels[1]), scale, overview, 2 * CELL), own)
        evened = evened * detail_contrast.local_gain(own, maps.luma, weights, regions.objects)
        maps = maps.amplified(detail_contrast.coarser(evened))
        if statistics is None:
            detail = detail_contrast.local_energy(own * evened.square(), weights)
            energy = torch.cat([detail_contrast.map_energy(maps.fit, overview, weights), detail], dim=1)
            measured[_ENERGY] = Moments(overview.shape[-2] * overview.shape[-1], energy, torch.zeros_like(energy))
        else:
            energy = statistics[_ENERGY].mean
        gain = detail_contrast.detail_gain(energy, at_least_float32(self.contrast(style)))
        return maps.amplified(gain[..., None, None]), measured

    def _maps(
        self, levels: list[Tensor], overview: Tensor, seen: Regions, regions: Regions, scale: Scale
    ) -> DetailMaps:
        thermal = self.detail.thermal_map(levels[0])
        with full_precision(thermal):
            plain = at_overview(thermal, scale, overview, CELL)
            if not self.fills_hidden:
                return self.detail.maps(levels[1], plain, overview, regions.objects, scale)
            both = torch.cat([plain, at_overview(steepened(thermal, seen), scale, overview, CELL)], dim=1)
            plain, steep = fill_hidden(both, hidden_share(overview, regions.sky, regions.objects)).chunk(2, dim=1)
            maps = self.detail.maps(levels[1], steep, overview, regions.objects, scale)
            return maps.without_lamps(lamp_share(overview, regions.people), plain)

    def translate_window(
        self, images: Tensor, survey: Survey, window: Window, style: Mapping[str, Tensor], strength: float | Tensor
    ) -> Tensor:
        """Translate a window (B, 3, h, w) of a surveyed image; the result equals that for the whole image."""
        if survey.canonical is None:
            canonical = self.detail.render(images, survey.maps, window)
        else:
            rows, columns = (slice(start, start + size) for start, size in zip(window[:2], window[2:4], strict=True))
            canonical = survey.canonical[..., rows, columns]
        wanted = Tone(*(at_least_float32(style[name]) for name in TONE))
        toned = apply_tone(canonical, survey.tone, wanted)
        translated = add_grain(toned, at_least_float32(style[GRAIN]), window).to(images.dtype)
        if isinstance(strength, Tensor) or strength < 1:
            share = strength[..., None, None].to(images) if isinstance(strength, Tensor) else strength
            translated = torch.lerp(rgb_to_grayscale(images), translated, share)
        return apply_polarity(translated, style[POLARITY])

    def image_statistics(self, content: Tensor, style: Mapping[str, Tensor]) -> Statistics:
        """Return the statistics of an image (B, 3, H, W), which can replace those of another one in :meth:`survey`."""
        factor = self.overview_factor(*content.shape[-2:])
        return self.survey(overview_of(content, factor), factor, style).statistics


def look_of(upright: Tensor) -> dict[str, Tensor]:
    """Return the style tensors of tone, contrast of detail and grain of white-hot exemplars (B, 1, h, w) in [0, 1]."""
    tones = dict(zip(TONE, (values.to(upright) for values in tone_of(upright)), strict=True))
    contrast = detail_contrast.detail_contrast(upright).to(upright)
    return {**tones, CONTRAST: contrast, GRAIN: grain_deviation(upright)}
