"""Wavelet detail: adds the RGB image's Haar bands, gated by position and band, to a low-resolution thermal map."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn import haar
from ir_transfer.nn.precision import at_least_float32, full_precision
from ir_transfer.nn.thermal.detail import Detail, averaged_coefficients
from ir_transfer.nn.thermal.detail_contrast import finer, local_mean
from ir_transfer.nn.thermal.guided_filter import fit_to_overview, fitted
from ir_transfer.nn.thermal.lamps import detail_left, flattened
from ir_transfer.nn.thermal.local_contrast import CELL, cell_means, luma_statistics, with_local_contrast
from ir_transfer.nn.thermal.overview import SAME, Scale, at_overview
from ir_transfer.nn.thermal.windows import Window, sample

_STRIP_PIXELS = 2**17  # so that a strip fits into the processor's cache
_BANDS = 3


class HaarMaps(NamedTuple):
    """Maps from which, with the RGB image, the full-size image is computed.

    Attributes:
        thermal: Thermal map (B, 1, h, w) at stride 4 of the overview.
        fit: Slopes and offset (B, 4, h, w) of the map's local linear fit to the RGB image.
        gates: Gates (B, 6 K, h / 2, w / 2) at stride 8 of the overview: 3 K of the bands up to stride 2 of
            the overview, then 3 K of those at its stride 4.
        guides: Local means of the guides (B, K, h, w).
        luma: Mean and deviation of the RGB image's luminance (B, 2, h, w) around each position of the map.
        factor: Side in pixels of the full-size image that a pixel of the overview covers, a power of 2.
    """

    thermal: Tensor
    fit: Tensor
    gates: Tensor
    guides: Tensor
    luma: Tensor
    factor: int = 1

    def at(self, factor: int) -> HaarMaps:
        """Return the same maps for an image that is ``factor`` times as large as its overview."""
        return self._replace(factor=factor)

    def amplified(self, gain: Tensor) -> HaarMaps:
        """Return the maps with ``gain`` (B, 1, h / 2 or 1, w / 2 or 1) times the detail."""
        return self._replace(gates=gain * self.gates)

    def without_lamps(self, lamps: Tensor, thermal: Tensor) -> HaarMaps:
        """Return the maps with ``thermal`` (B, 1, h, w) and no detail where lamps are, of share (B, 1, h, w)."""
        return self._replace(fit=flattened(self.fit, thermal, lamps)).amplified(detail_left(lamps))


class HaarDetail(Detail):
    """The low-pass image is the thermal map; the detail is the RGB image's Haar bands, each with a signed gate.

    As in Yoo et al. 2019 (figure 3), the high bands bypass the network, here at the size of the image, and a gate in
    (-1, 1) for each band sets its share in the infrared image around each position. A guided filter gives the map the
    edges of the RGB image. Pure Haar synthesis would show blocks, so local means are subtracted from the projections,
    and the gate of their lowest band is the mean of the three gates at its stride: equal gates leave all detail
    unchanged.

    Args:
        map_width: Channels of the neck's level at stride 4.
        width: Channels of the neck's level at stride 8.
        guides: Number K of pointwise projections of the RGB image whose bands are gated.
        hidden: Hidden channels of that projection.
    """

    def __init__(self, map_width: int = 64, width: int = 96, guides: int = 4, hidden: int = 16) -> None:
        super().__init__(map_width)
        self.to_gates = nn.Conv2d(width, 2 * _BANDS * guides, 1)
        self.guide = nn.Sequential(nn.Conv2d(4, hidden, 1), nn.SiLU(), nn.Conv2d(hidden, guides, 1))
        self.to_gates.weight.data.mul_(0.1)
        nn.init.zeros_(self.to_gates.bias)  # type: ignore[arg-type]

    def maps(self, level: Tensor, thermal: Tensor, overview: Tensor, objects: Tensor, scale: Scale = SAME) -> HaarMaps:
        """Return the maps with the gates of the bands; see :meth:`Detail.maps`."""
        with full_precision(level):
            gates = at_overview(torch.tanh(self.to_gates(at_least_float32(level))), scale, overview, 2 * CELL)
            fit = fit_to_overview(thermal, overview, objects)
            luma = luma_statistics(overview)
            guides = local_mean(self._cell_guides(overview, luma))
            return HaarMaps(thermal, fit, averaged_coefficients(gates, objects), guides, luma)

    def detail_energy(self, maps: HaarMaps, overview: Tensor) -> Tensor:
        """Return the energy (B, 1, h, w) of the gated bands of one quad of pixels of every cell."""
        with full_precision(overview):
            rows, columns = overview.shape[-2:]
            inner = F.pad(overview, (0, -columns % CELL, 0, -rows % CELL), mode="replicate")
            fine, coarse = finer(maps.gates, maps.thermal).chunk(2, dim=1)
            half = F.avg_pool2d(inner, 2)
            # The bands are orthonormal, and a value of the fine ones covers 4 pixels. The coarse ones cover 16, but are
            # those of means of 2 x 2 pixels, which are half of the fine low-pass band.
            own = self._gated_square(inner, CELL, maps.luma, fine) / 4
            own = own + self._gated_square(half, 2, maps.luma, coarse) / 4
            low = _mean_gate(coarse) * (self._cell_guides(inner, maps.luma) - maps.guides)
            return own + low.sum(1, keepdim=True).square()

    def _cell_guides(self, overview: Tensor, luma: Tensor) -> Tensor:
        """Return the guides (B, K, h, w) of the means of the cells."""
        guides: Tensor = self.guide(with_local_contrast(cell_means(overview), luma))
        return guides

    def _gated_square(self, images: Tensor, step: int, luma: Tensor, gates: Tensor) -> Tensor:
        """Return the sum of squares (B, 1, h, w) of the gated bands of the first 2 x 2 pixels of every ``step``."""
        quad = [images[..., y::step, x::step] for y in (0, 1) for x in (0, 1)]
        a, b, c, d = (self.guide(with_local_contrast(pixels, luma)) for pixels in quad)
        bands = (b + d - a - c, c + d - a - b, a + d - b - c)
        parts = zip(gates.chunk(_BANDS, dim=1), bands, strict=True)
        gated = torch.cat([(gate * band / 2).sum(1, keepdim=True) for gate, band in parts], dim=1)
        return gated.square().sum(1, keepdim=True)

    def render(self, images: Tensor, maps: HaarMaps, window: Window) -> Tensor:
        """Return canonical intensity (B, 1, h, w) of a window of the full-size image, in float32 or better.

        Args:
            images: The window's RGB image (B, 3, h, w), sRGB in [0, 1].
            maps: Maps of the whole image.
            window: Position of the RGB image in the whole image; it starts and ends at multiples of ``4 factor``, or
                at the end of the image.
        """
        with full_precision(images):
            return self._strips(images, maps, window)

    def _strips(self, images: Tensor, maps: HaarMaps, window: Window) -> Tensor:
        stride = CELL * maps.factor
        rows = max(1, _STRIP_PIXELS // max(1, window.width * len(images)) // stride) * stride
        strips = [
            self._strip(images[..., top : top + rows, :], maps, window.rows(top, min(top + rows, window.height)))
            for top in range(0, window.height, rows)
        ]
        return strips[0] if len(strips) == 1 else torch.cat(strips, dim=2)

    def _strip(self, images: Tensor, maps: HaarMaps, window: Window) -> Tensor:
        stride = CELL * maps.factor
        smooth = fitted(sample(maps.fit, window, stride), images)
        height, width = images.shape[-2:]
        guides = self.guide(with_local_contrast(images, sample(maps.luma, window, stride)))
        guides = guides - sample(maps.guides, window, stride)
        guides = F.pad(guides, (0, -width % stride, 0, -height % stride), mode="replicate")
        larger = window._replace(height=guides.shape[-2], width=guides.shape[-1])
        detail = self._detail(guides, maps, larger, 1)
        return smooth + detail[..., :height, :width]

    def _detail(self, guides: Tensor, maps: HaarMaps, window: Window, stride: int) -> Tensor:
        """Return the image (B, 1, h, w) of the gated bands of guides (B, K, h, w) of ``stride`` pixels per position."""
        low, *bands = haar.pool(guides)
        stride *= 2
        fine, coarse = maps.gates.chunk(2, dim=1)
        last = stride == CELL * maps.factor
        place = Window(*(value // stride for value in window))
        gated = _sample_padded(coarse if last else fine, place, 2 * CELL * maps.factor // stride)
        parts = zip(gated.chunk(_BANDS, dim=1), bands, strict=True)
        made = [(gate * band).sum(1, keepdim=True) for gate, band in parts]
        lower = (_mean_gate(gated) * low).sum(1, keepdim=True) if last else self._detail(low, maps, window, stride)
        return haar.unpool(lower, *made)


def _mean_gate(gates: Tensor) -> Tensor:
    """Return the mean (B, K, h, w) of the gates (B, 3 K, h, w) of three bands."""
    first, second, third = gates.chunk(_BANDS, dim=1)
    return (first + second + third) / _BANDS


def _sample_padded(gates: Tensor, window: Window, cell: int) -> Tensor:
    """Return gates at every position of a window that may reach beyond the last cell by padding."""
    found = sample(gates, window, cell)
    missing = (window.width - found.shape[-1], window.height - found.shape[-2])
    return F.pad(found, (0, missing[0], 0, missing[1]), mode="replicate") if any(missing) else found
