"""The full-size rendering of both kinds of detail with the factor of the overview as a value of the graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.export.overview import cells_of, sizes_of
from ir_transfer.nn.thermal.detail import Detail, DetailMaps
from ir_transfer.nn.thermal.guided import GuidedDetail, GuidedMaps
from ir_transfer.nn.thermal.haar_detail import HaarDetail, HaarMaps
from ir_transfer.nn.thermal.local_contrast import CELL, with_local_contrast


def traced_render(detail: Detail, images: Tensor, maps: DetailMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Return the canonical image (1, 1, H, W) as :meth:`~ir_transfer.nn.thermal.detail.Detail.render` does.

    Args:
        detail: Network of either kind.
        images: The whole RGB image (1, 3, H, W).
        maps: From its overview.
        factor: Side in pixels that a pixel of the overview covers, an integer tensor ().
        largest_factor: That the graph is to take.

    Raises:
        InputError: Another kind of detail.
    """
    if isinstance(detail, GuidedDetail) and isinstance(maps, GuidedMaps):
        return _guided(detail, images, maps, factor)
    if isinstance(detail, HaarDetail) and isinstance(maps, HaarMaps):
        return _haar(detail, images, maps, factor, largest_factor)
    raise InputError(f"expected guided or wavelet detail to export, got {type(detail).__name__}")


def upper(maps: DetailMaps, rows: Tensor) -> DetailMaps:
    """Return the part of the maps for so many upper rows, a scalar, of the overview."""
    cells = {2: cells_of(rows, 2), 4: cells_of(rows, 4)}
    if isinstance(maps, GuidedMaps):
        return maps._replace(
            thermal=maps.thermal[..., : cells[4], :],
            detail=maps.detail[..., : cells[2], :],
            luma=maps.luma[..., : cells[CELL], :],
        )
    assert isinstance(maps, HaarMaps)
    return maps._replace(
        luma=maps.luma[..., : cells[CELL], :],
        thermal=maps.thermal[..., : cells[4], :],
        offset=maps.offset[..., : cells[2], :],
        fine=maps.fine[..., : cells[2], :],
        coarse=maps.coarse[..., : cells[4], :],
    )


def _guided(detail: GuidedDetail, images: Tensor, maps: GuidedMaps, factor: Tensor) -> Tensor:
    height, width = sizes_of(images)
    coefficients = enlarged(maps.detail, 2 * factor, height, width)
    guides = detail.guide(_photograph(images, maps, factor))
    fine = coefficients[:, :1] + (coefficients[:, 1:] * guides).sum(1, keepdim=True)
    canonical: Tensor = enlarged(maps.thermal, 4 * factor, height, width) + fine
    return canonical


def _photograph(images: Tensor, maps: GuidedMaps | HaarMaps, factor: Tensor) -> Tensor:
    return with_local_contrast(images, enlarged(maps.luma, CELL * factor, *sizes_of(images)))


def enlarged(maps: Tensor, side: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return maps (1, C, h, w), one value for each cell of a side, interpolated at (1, C, height, width) positions."""
    rows, columns = cells_of(height, side), cells_of(width, side)
    found = F.interpolate(maps, [rows * side, columns * side], mode="bilinear", align_corners=False)  # type: ignore[list-item]
    return found[..., :height, :width]


def _haar(detail: HaarDetail, images: Tensor, maps: HaarMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Build the pyramid of the largest factor; gates of the strides beyond an image's own are 0."""
    height, width = sizes_of(images)
    largest = 4 * largest_factor
    bottom, right = (cells_of(size, largest) * largest - size for size in (height, width))
    photograph = _photograph(images, maps, factor)
    guides = detail.guide(F.pad(photograph, (0, right, 0, bottom), mode="replicate"))  # type: ignore[arg-type]
    smooth = enlarged(maps.thermal, 4 * factor, height, width) + enlarged(maps.offset, 2 * factor, height, width)
    made = _pyramid(guides, maps, factor, 2, largest)
    return smooth + made[..., :height, :width]


def _pyramid(guides: Tensor, maps: HaarMaps, factor: Tensor, stride: int, largest: int) -> Tensor:
    low, *bands = _split(guides)
    height, width = sizes_of(low)
    gates = _gates(maps, factor, stride, height, width)
    parts = zip(gates.chunk(len(bands), dim=1), bands, strict=True)
    made = [(gate * band).sum(1, keepdim=True) for gate, band in parts]
    lower = torch.zeros_like(made[0]) if stride == largest else _pyramid(low, maps, factor, 2 * stride, largest)
    return _merge(lower, *made)


def _gates(maps: HaarMaps, factor: Tensor, stride: int, height: Tensor, width: Tensor) -> Tensor:
    """Return gates (1, 3 K, height, width) for bands at a stride: those of its kind, 0 beyond the coarse ones."""
    side = torch.div(2 * factor, stride, rounding_mode="floor").clamp(min=1)
    fine = _fitted(maps.fine, side, height, width)
    if stride == 2:  # always finer than the coarse ones
        return fine
    coarse = _fitted(maps.coarse, torch.ones_like(factor), height, width)
    is_fine, is_coarse = (4 * factor > stride).to(fine), (4 * factor == stride).to(fine)
    return fine * is_fine + coarse * is_coarse


def _fitted(gates: Tensor, side: Tensor, height: Tensor, width: Tensor) -> Tensor:
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
