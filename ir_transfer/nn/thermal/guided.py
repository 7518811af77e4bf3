"""Learned guided up-sampling: a low-resolution thermal map gets the RGB image's detail, with a local sign and gain."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ir_transfer.nn.precision import at_least_float32, full_precision
from ir_transfer.nn.thermal.detail import Detail
from ir_transfer.nn.thermal.local_contrast import CELL, luma_statistics, with_local_contrast
from ir_transfer.nn.thermal.windows import Window, sample

_STRIP_PIXELS = 2**17  # so that a strip fits into the processor's cache


class GuidedMaps(NamedTuple):
    """Maps from which, with the RGB image, the full-size image is computed.

    Attributes:
        thermal: Thermal map (B, 1, h, w) at stride 4 of the overview.
        detail: Offset b and coefficients a_k (B, 1 + K, 2h, 2w) at stride 2 of the overview.
        luma: Mean and deviation of the RGB image's luminance (B, 2, h, w) around each position of the map.
        factor: Side in pixels of the full-size image that a pixel of the overview covers.
    """

    thermal: Tensor
    detail: Tensor
    luma: Tensor
    factor: int = 1

    def at(self, factor: int) -> GuidedMaps:
        """Return the same maps for an image that is ``factor`` times as large as its overview."""
        return self._replace(factor=factor)


class GuidedDetail(Detail):
    """``y = z + b + sum_k a_k g_k(rgb)``: g is pointwise on RGB image and local contrast, a and b predicted.

    The sign and gain of detail are local, so there is no embossing of the whole image and no halo. This is a guided
    filter (He et al. 2010, equation 1) with learned guides and coefficients (cf. Gharbi et al. 2017).

    Args:
        width: Channels of the neck's finest level.
        map_width: Channels of the neck's level at stride 4.
        guides: Number K of guides.
        hidden: Hidden channels of the guide network.
    """

    def __init__(self, width: int = 32, map_width: int = 64, guides: int = 8, hidden: int = 16) -> None:
        super().__init__()
        self.to_thermal = nn.Conv2d(map_width, 1, 1)
        self.to_detail = nn.Conv2d(width, 1 + guides, 1)
        self.guide = nn.Sequential(nn.Conv2d(4, hidden, 1), nn.SiLU(), nn.Conv2d(hidden, guides, 1), nn.Tanh())
        self.to_detail.weight.data.mul_(0.1)
        nn.init.zeros_(self.to_detail.bias)  # type: ignore[arg-type]

    def maps(self, levels: list[Tensor], overview: Tensor) -> GuidedMaps:
        """Return thermal map and coefficients from the neck's levels, finest first, in float32 or better."""
        with full_precision(levels[0]):
            fine, coarse = (at_least_float32(level) for level in levels[:2])
            return GuidedMaps(self.to_thermal(coarse), self.to_detail(fine), luma_statistics(overview))

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
        detail = sample(maps.detail, window, 2 * maps.factor)
        guides = self.guide(with_local_contrast(images, sample(maps.luma, window, CELL * maps.factor)))
        fine = detail[:, :1] + (detail[:, 1:] * guides).sum(1, keepdim=True)
        strip: Tensor = sample(maps.thermal, window, 4 * maps.factor) + fine
        return strip
