"""Guided up-sampling: gives a low-resolution thermal map the edges of the RGB image and detail with local signs."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ir_transfer.nn.precision import at_least_float32, full_precision
from ir_transfer.nn.thermal.detail import Detail, averaged_coefficients
from ir_transfer.nn.thermal.detail_contrast import finer, local_mean
from ir_transfer.nn.thermal.guided_filter import fit_to_overview, fitted
from ir_transfer.nn.thermal.lamps import detail_left, flattened
from ir_transfer.nn.thermal.local_contrast import CELL, luma_statistics, with_local_contrast
from ir_transfer.nn.thermal.overview import SAME, Scale, at_overview
from ir_transfer.nn.thermal.windows import Window, sample

_STRIP_PIXELS = 2**17  # so that a strip fits into the processor's cache


class GuidedMaps(NamedTuple):
    """Maps from which, with the RGB image, the full-size image is computed.

    Attributes:
        thermal: Thermal map (B, 1, h, w) at stride 4 of the overview.
        fit: Slopes and offset (B, 4, h, w) of the map's local linear fit to the RGB image.
        detail: Coefficients a_k (B, K, h / 2, w / 2) at stride 8 of the overview.
        guides: Local means of the guides g_k (B, K, h, w).
        luma: Mean and deviation of the RGB image's luminance (B, 2, h, w) around each position of the map.
        factor: Side in pixels of the full-size image that a pixel of the overview covers.
    """

    thermal: Tensor
    fit: Tensor
    detail: Tensor
    guides: Tensor
    luma: Tensor
    factor: int = 1

    def at(self, factor: int) -> GuidedMaps:
        """Return the same maps for an image that is ``factor`` times as large as its overview."""
        return self._replace(factor=factor)

    def amplified(self, gain: Tensor) -> GuidedMaps:
        """Return the maps with ``gain`` (B, 1, h / 2 or 1, w / 2 or 1) times the detail."""
        return self._replace(detail=gain * self.detail)

    def without_lamps(self, lamps: Tensor, thermal: Tensor) -> GuidedMaps:
        """Return the maps with ``thermal`` (B, 1, h, w) and no detail where lamps are, of share (B, 1, h, w)."""
        return self._replace(fit=flattened(self.fit, thermal, lamps)).amplified(detail_left(lamps))


class GuidedDetail(Detail):
    """``y = s . rgb + o + sum_k a_k (g_k - mean g_k)``: guided filter of the thermal map, and detail with a local sign.

    Slopes s and offset o are the local linear fit of the thermal map to the RGB image, so that edges coincide with
    those of the RGB image. The guides g are pointwise functions of RGB image and local contrast (cf. Gharbi et al.
    2017), minus their local means, so that they do not change the tone of an area. Their coefficients in (-1, 1) are
    predicted at stride 8, which is too coarse to invent texture.

    Args:
        map_width: Channels of the neck's level at stride 4.
        width: Channels of the neck's level at stride 8.
        guides: Number K of guides.
        hidden: Hidden channels of the guide network.
    """

    def __init__(self, map_width: int = 64, width: int = 96, guides: int = 8, hidden: int = 16) -> None:
        super().__init__(map_width)
        self.to_detail = nn.Conv2d(width, guides, 1)
        self.guide = nn.Sequential(nn.Conv2d(4, hidden, 1), nn.SiLU(), nn.Conv2d(hidden, guides, 1), nn.Tanh())
        self.to_detail.weight.data.mul_(0.1)
        nn.init.zeros_(self.to_detail.bias)  # type: ignore[arg-type]

    def maps(
        self, level: Tensor, thermal: Tensor, overview: Tensor, objects: Tensor, scale: Scale = SAME
    ) -> GuidedMaps:
        """Return the maps with the coefficients of the detail; see :meth:`Detail.maps`."""
        with full_precision(level):
            fit = fit_to_overview(thermal, overview, objects)
            luma = luma_statistics(overview)
            guides = local_mean(self._cell_guides(overview, luma))
            coefficients = torch.tanh(self.to_detail(at_least_float32(level)))
            coefficients = at_overview(coefficients, scale, overview, 2 * CELL)
            return GuidedMaps(thermal, fit, averaged_coefficients(coefficients, objects), guides, luma)

    def detail_energy(self, maps: GuidedMaps, overview: Tensor) -> Tensor:
        """Return the square of the detail (B, 1, h, w) at one pixel of every cell."""
        with full_precision(overview):
            detail = finer(maps.detail, maps.thermal) * (self._cell_guides(overview, maps.luma) - maps.guides)
            return detail.sum(1, keepdim=True).square()

    def _cell_guides(self, overview: Tensor, luma: Tensor) -> Tensor:
        """Return the guides (B, K, h, w) at the first pixel of every cell."""
        guides: Tensor = self.guide(with_local_contrast(overview[..., ::CELL, ::CELL], luma))
        return guides

    def render(self, images: Tensor, maps: GuidedMaps, window: Window) -> Tensor:
        """Return canonical intensity (B, 1, h, w) of a window of the full-size image, in float32 or better.

        Args:
            images: The window's RGB image (B, 3, h, w), sRGB in [0, 1].
            maps: Maps of the whole image.
            window: Position of the RGB image in the whole image.
        """
        with full_precision(images):
            return self._strips(images, maps, window)

    def _strips(self, images: Tensor, maps: GuidedMaps, window: Window) -> Tensor:
        rows = max(1, _STRIP_PIXELS // max(1, window.width * len(images)))
        if rows >= window.height:
            return self._strip(images, maps, window)
        strips = [
            self._strip(images[..., top : top + rows, :], maps, window.rows(top, min(top + rows, window.height)))
            for top in range(0, window.height, rows)
        ]
        return torch.cat(strips, dim=2)

    def _strip(self, images: Tensor, maps: GuidedMaps, window: Window) -> Tensor:
        fit = sample(maps.fit, window, CELL * maps.factor)
        stride = CELL * maps.factor
        guides = self.guide(with_local_contrast(images, sample(maps.luma, window, stride)))
        guides = guides - sample(maps.guides, window, stride)
        detail = (sample(maps.detail, window, 2 * stride) * guides).sum(1, keepdim=True)
        strip: Tensor = fitted(fit, images) + detail
        return strip
