"""Full-size rendering of both kinds of detail, with the factor of the overview as a tensor of the graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.export.overview import cells_of, sizes_of
from ir_transfer.nn.thermal.detail import Detail, DetailMaps
from ir_transfer.nn.thermal.guided import GuidedDetail, GuidedMaps
from ir_transfer.nn.thermal.guided_filter import fitted
from ir_transfer.nn.thermal.haar_detail import HaarDetail, HaarMaps
from ir_transfer.nn.thermal.local_contrast import CELL, with_local_contrast


def traced_render(detail: Detail, images: Tensor, maps: DetailMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Return the canonical image (1, 1, H, W) as :meth:`~ir_transfer.nn.thermal.detail.Detail.render` does.

    Args:
        detail: Network of either kind.
        images: The whole RGB image (1, 3, H, W).
        maps: From its overview.
        factor: Side in pixels that a pixel of the overview covers, an integer tensor ().
        largest_factor: Largest factor that the graph supports.

    Raises:
        InputError: Another kind of detail.
    """
    if isinstance(detail, GuidedDetail) and isinstance(maps, GuidedMaps):
        return _guided(detail, images, maps, factor)
    if isinstance(detail, HaarDetail) and isinstance(maps, HaarMaps):
        return _haar(detail, images, maps, factor, largest_factor)
    raise InputError(f"expected guided or wavelet detail to export, got {type(detail).__name__}")


def upper(maps: DetailMaps, rows: Tensor) -> DetailMaps:
    """Return the part of the maps for the given number of upper rows of the overview, a scalar."""
    assert isinstance(maps, GuidedMaps | HaarMaps)
    fine, coarse = (cells_of(rows, side) for side in (CELL, 2 * CELL))
    kept = (maps.luma, maps.thermal, maps.fit, maps.guides)
    luma, thermal, fit, guides = (values[..., :fine, :] for values in kept)
    if isinstance(maps, GuidedMaps):
        detail = maps.detail[..., :coarse, :]
        return maps._replace(luma=luma, thermal=thermal, fit=fit, guides=guides, detail=detail)
    return maps._replace(luma=luma, thermal=thermal, fit=fit, guides=guides, gates=maps.gates[..., :coarse, :])


def _guided(detail: GuidedDetail, images: Tensor, maps: GuidedMaps, factor: Tensor) -> Tensor:
    guides = detail.guide(_with_contrast(images, maps, factor))
    guides = guides - enlarged(maps.guides, CELL * factor, *sizes_of(images))
    coefficients = enlarged(maps.detail, 2 * CELL * factor, *sizes_of(images))
    canonical: Tensor = _smooth(images, maps, factor) + (coefficients * guides).sum(1, keepdim=True)
    return canonical


def _smooth(images: Tensor, maps: GuidedMaps | HaarMaps, factor: Tensor) -> Tensor:
    return fitted(enlarged(maps.fit, CELL * factor, *sizes_of(images)), images)


def _with_contrast(images: Tensor, maps: GuidedMaps | HaarMaps, factor: Tensor) -> Tensor:
    return with_local_contrast(images, enlarged(maps.luma, CELL * factor, *sizes_of(images)))


def enlarged(maps: Tensor, side: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return maps (1, C, h, w), one value for each cell of a side, interpolated at (1, C, height, width) positions."""
    rows, columns = cells_of(height, side), cells_of(width, side)
    found = F.interpolate(maps, [rows * side, columns * side], mode="bilinear", align_corners=False)  # type: ignore[list-item]
    return found[..., :height, :width]


def _haar(detail: HaarDetail, images: Tensor, maps: HaarMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Build the pyramid of the largest factor; gates of the strides beyond an image's own are 0."""
    height, width = sizes_of(images)
    largest = CELL * largest_factor
    bottom, right = (cells_of(size, largest) * largest - size for size in (height, width))
    guides = detail.guide(_with_contrast(images, maps, factor)) - enlarged(maps.guides, CELL * factor, height, width)
    guides = F.pad(guides, (0, right, 0, bottom), mode="replicate")  # type: ignore[arg-type]
    made = _pyramid(guides, maps, factor, 2, largest)
    return _smooth(images, maps, factor) + made[..., :height, :width]


def _pyramid(guides: Tensor, maps: HaarMaps, factor: Tensor, stride: int, largest: int) -> Tensor:
    low, *bands = _split(guides)
    height, width = sizes_of(low)
    gates = _gates(maps, factor, stride, height, width)
    parts = zip(gates.chunk(len(bands), dim=1), bands, strict=True)
    made = [(gate * band).sum(1, keepdim=True) for gate, band in parts]
    lower = torch.zeros_like(made[0]) if stride == largest else _pyramid(low, maps, factor, 2 * stride, largest)
    mean = torch.stack(gates.chunk(len(bands), dim=1)).mean(0) * (CELL * factor == stride).to(gates)
    return _merge(lower + (mean * low).sum(1, keepdim=True), *made)


def _gates(maps: HaarMaps, factor: Tensor, stride: int, height: Tensor, width: Tensor) -> Tensor:
    """Return gates (1, 3 K, height, width) for bands at a stride: those of its kind, 0 beyond the coarse ones."""
    side = torch.div(2 * CELL * factor, stride, rounding_mode="floor").clamp(min=1)
    fine, coarse = _continued(maps.gates, side, height, width).chunk(2, dim=1)
    is_fine, is_coarse = (CELL * factor > stride).to(fine), (CELL * factor == stride).to(fine)
    return fine * is_fine + coarse * is_coarse


def _continued(gates: Tensor, side: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return gates enlarged by a side, cut or continued by their last ones to (1, C, height, width)."""
    rows, columns = (size * side for size in sizes_of(gates))
    found = F.interpolate(gates, [rows, columns], mode="bilinear", align_corners=False)  # type: ignore[list-item]
    lower, right = (torch.clamp(b - a, min=0) for a, b in ((rows, height), (columns, width)))
    found = F.pad(found, (0, right, 0, lower), mode="replicate")  # type: ignore[arg-type]
    return found[..., :height, :width]


def _split(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return LL, LH, HL and HH of values (1, C, h, w) with even sides; see :func:`ir_transfer.nn.haar.pool`."""
    top, bottom = values[..., 0::2, :] * 0.5, values[..., 1::2, :] * 0.5
    low, high = top + bottom, bottom - top
    left, right = low[..., 0::2], low[..., 1::2]
    left_high, right_high = high[..., 0::2], high[..., 1::2]
    return left + right, right - left, left_high + right_high, right_high - left_high


def _merge(ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
    """Invert :func:`_split`; the four phases are interleaved by a shuffle of channels."""
    left, right = ll - lh, ll + lh
    left_high, right_high = hl - hh, hl + hh
    phases = torch.cat([left - left_high, right - right_high, left + left_high, right + right_high], dim=1)
    return F.pixel_shuffle(0.5 * phases, 2)
