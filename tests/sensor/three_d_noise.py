"""Measurement of the three-dimensional noise of a camera from frames of a static scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError


@dataclass(frozen=True)
class Noise:
    """The seven components of three-dimensional noise, as standard deviations in shares of the range.

    Attributes:
        pixel: Temporal, of single pixels; the NETD refers to it.
        row: Temporal, of whole rows.
        column: Temporal, of whole columns.
        frame: Temporal, of the whole frame: flicker and drift of the level.
        fixed_pixel: Fixed, of single pixels; shading and all else that is neither row nor column counts here.
        fixed_row: Fixed, of whole rows.
        fixed_column: Fixed, of whole columns.
    """

    pixel: float
    row: float
    column: float
    frame: float
    fixed_pixel: float
    fixed_row: float
    fixed_column: float

    @property
    def temporal(self) -> float:
        """Temporal noise: its components in quadrature."""
        return math.hypot(self.pixel, self.row, self.column, self.frame)

    @property
    def fixed(self) -> float:
        """Fixed-pattern noise: its components in quadrature."""
        return math.hypot(self.fixed_pixel, self.fixed_row, self.fixed_column)

    def netd_mk(self, span_kelvin: float) -> float:
        """Return the noise-equivalent temperature difference in mK if the range [0, 1] is ``span_kelvin``."""
        return 1000 * self.pixel * span_kelvin


def measure_noise(frames: NDArray[np.floating], scene: NDArray[np.floating] | None = None) -> Noise:
    """Measure the noise of frames of one scene.

    The three-dimensional noise of D'Agostino and Webb (1991, Proc. SPIE 1488, 110). Frames, rows and columns are random
    effects of an analysis of variance, and a component is what its mean square exceeds those of the effects inside it
    by: that corrects for the finite number of samples (compare Haefner and Burks 2015, Appl. Opt. 54, 4907), and what
    an average over few frames leaves of the temporal noise does not count as fixed. A component whose estimate is
    negative is 0.

    Steps of the converter count as noise: of variance step^2 / 12 if the noise is wider than half a step. Saturated
    pixels lose theirs. An image that was enlarged has less noise in it than its sensor.

    Args:
        frames: (T, H, W), at least two of each.
        scene: (H, W): the same without noise. Without it the scene must be flat, or its contrast counts as fixed.

    Raises:
        InputError: Another shape.
    """
    if frames.ndim != 3 or min(frames.shape) < 2:
        raise InputError(f"expected frames (T, H, W) of at least 2 x 2 x 2, got {frames.shape}")
    if scene is not None and scene.shape != frames.shape[1:]:
        raise InputError(f"expected a scene of the frames' size {frames.shape[1:]}, got {scene.shape}")
    values = frames.astype(np.float64)
    if scene is not None:
        values -= scene
    values -= values.mean()
    t, v, h = values.shape
    mean_t, mean_v, mean_h = values.mean((1, 2)), values.mean((0, 2)), values.mean((0, 1))
    rows = values.mean(2) - mean_t[:, None] - mean_v  # (T, H)
    columns = values.mean(1) - mean_t[:, None] - mean_h  # (T, W)
    pixels = values.mean(0) - mean_v[:, None] - mean_h  # (H, W)
    values -= mean_t[:, None, None] + mean_v[:, None] + mean_h
    values -= rows[:, :, None] + columns[:, None] + pixels
    square = {
        "tvh": (values**2).sum() / ((t - 1) * (v - 1) * (h - 1)),
        "tv": h * (rows**2).sum() / ((t - 1) * (v - 1)),
        "th": v * (columns**2).sum() / ((t - 1) * (h - 1)),
        "vh": t * (pixels**2).sum() / ((v - 1) * (h - 1)),
        "t": v * h * (mean_t**2).sum() / (t - 1),
        "v": t * h * (mean_v**2).sum() / (v - 1),
        "h": t * v * (mean_h**2).sum() / (h - 1),
    }
    variance = {
        "pixel": square["tvh"],
        "row": (square["tv"] - square["tvh"]) / h,
        "column": (square["th"] - square["tvh"]) / v,
        "fixed_pixel": (square["vh"] - square["tvh"]) / t,
        "frame": (square["t"] - square["tv"] - square["th"] + square["tvh"]) / (v * h),
        "fixed_row": (square["v"] - square["tv"] - square["vh"] + square["tvh"]) / (t * h),
        "fixed_column": (square["h"] - square["th"] - square["vh"] + square["tvh"]) / (t * v),
    }
    return Noise(**{name: math.sqrt(max(float(value), 0.0)) for name, value in variance.items()})
