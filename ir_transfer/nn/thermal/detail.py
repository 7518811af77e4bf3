"""Interface of the networks that compute the full-size image from a thermal map and the RGB image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.precision import at_least_float32, full_precision
from ir_transfer.nn.thermal.overview import SAME, Scale
from ir_transfer.nn.thermal.windows import Window

_SURFACE = 5  # positions at stride 8, so that windows have a side of 40 pixels of the overview


class DetailMaps(Protocol):
    """Low-resolution maps from which, with the RGB image, the full-size image is computed."""

    @property
    def thermal(self) -> Tensor:
        """Thermal map (B, 1, h, w) at stride 4 of the overview."""

    def at(self, factor: int) -> Self:
        """Return the same maps for an image that is ``factor`` times as large as its overview."""

    @property
    def fit(self) -> Tensor:
        """Slopes and offset (B, 4, h, w) of the thermal map's local linear fit to the RGB image."""

    @property
    def luma(self) -> Tensor:
        """Mean and deviation of the RGB image's luminance (B, 2, h, w) around each position of the thermal map."""

    def amplified(self, gain: Tensor) -> Self:
        """Return the maps with ``gain`` (B, 1, h / 2 or 1, w / 2 or 1) times the detail."""

    def without_lamps(self, lamps: Tensor, thermal: Tensor) -> Self:
        """Return the maps with ``thermal`` (B, 1, h, w) and no detail where lamps are, of share (B, 1, h, w)."""


def averaged_coefficients(coefficients: Tensor, objects: Tensor) -> Tensor:
    """Return coefficients of detail (B, K, h, w) averaged over windows, except at objects.

    Where the network is unsure of the sign of detail, it changes from place to place, which gives one pavement both
    black and white joints. The strength of detail does not depend on the size of the coefficients; see
    :func:`~ir_transfer.nn.thermal.detail_contrast.local_gain`.

    Args:
        coefficients: At stride 8.
        objects: Probability of people, two-wheelers or vehicles at stride 4, (B, 1, 2 h, 2 w) or one less.
    """
    share = F.avg_pool2d(objects.to(coefficients), 2, ceil_mode=True)
    return torch.lerp(box_mean(coefficients, _SURFACE), coefficients, share)


class Detail(nn.Module, ABC):
    """A network from the neck's levels and the RGB image to the canonical image.

    Args:
        width: Channels of the neck's level at stride 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_thermal = nn.Conv2d(width, 1, 1)

    def thermal_map(self, level: Tensor) -> Tensor:
        """Return the thermal map (B, 1, h, w) of the neck's level at stride 4 (B, C, h, w), in float32 or better."""
        with full_precision(level):
            thermal: Tensor = self.to_thermal(at_least_float32(level))
            return thermal

    @abstractmethod
    def maps(
        self, level: Tensor, thermal: Tensor, overview: Tensor, objects: Tensor, scale: Scale = SAME
    ) -> DetailMaps:
        """Return the maps from which the full-size image is computed, in float32 or better.

        Args:
            level: The neck's level at stride 8 of the encoder's image (B, C, h', w').
            thermal: Thermal map (B, 1, h, w) at stride 4 of the overview.
            overview: The reduced RGB image (B, 3, H, W).
            objects: Probability of people, two-wheelers or vehicles at stride 4, (B, 1, h, w).
            scale: Of the encoder's image; see :mod:`ir_transfer.nn.thermal.overview`.
        """

    @abstractmethod
    def detail_energy(self, maps: Any, overview: Tensor) -> Tensor:
        """Return the square of the detail (B, 1, h, w) at every position of the thermal map.

        Args:
            maps: Of the overview.
            overview: The reduced RGB image (B, 3, H, W).
        """

    @abstractmethod
    def render(self, images: Tensor, maps: Any, window: Window) -> Tensor:
        """Return canonical intensity (B, 1, h, w) of a window with the RGB image ``images`` (B, 3, h, w)."""
