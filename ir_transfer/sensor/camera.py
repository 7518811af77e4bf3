"""Simulates a sensor: apparent intensity to measured intensity."""

from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.sensor.model import SensorModel
from ir_transfer.sensor.noise import (
    Defects,
    Pattern,
    add_temporal,
    draw_bad_pixels,
    draw_drift,
    draw_pattern,
    drift_phase,
    frame_number,
    generator,
    quantise,
)
from ir_transfer.sensor.optics import blur, enlarge, fit, mtf, shrink

Floats = NDArray[np.float32]


class Camera:
    """A sensor for images of one size, with the fixed pattern of a seed.

    Stages: blur, sampling, fixed pattern, temporal noise, drift, bad pixels, ADC. Noise is added on the sensor's grid
    and enlarged with the image if the sensor is coarser than the image; without a sampling stage it is added on the
    image's grid. A sensor with a sampling stage has one pattern for images of all sizes, which use its centre.
    Observing does not change the camera, so threads can share it.

    Args:
        sensor: Its parameters.
        height: Rows of the images.
        width: Columns of the images.
        seed: Seed of the run, at least 0.

    Raises:
        InputError: A size below 1 or a negative seed.
    """

    def __init__(self, sensor: SensorModel, height: int, width: int, seed: int) -> None:
        if height < 1 or width < 1 or seed < 0:
            raise InputError(f"expected a size of at least 1 x 1 and a seed of at least 0, got {height, width, seed}")
        self.sensor = sensor
        self.height, self.width, self.seed = height, width, seed
        self.grid = grid = fit(sensor.sampling, height, width)
        aspect = 1.0 if sensor.sampling is None else sensor.sampling.pixel_aspect
        self._mtf = None if sensor.optics is None else mtf(sensor.optics, aspect, height, width, grid)
        rows, columns = (height, width) if sensor.sampling is None else (sensor.sampling.height, sensor.sampling.width)
        top, left = (rows - grid.rows) // 2, (columns - grid.columns) // 2
        self._middle = (slice(top, top + grid.rows), slice(left, left + grid.columns))
        self._pattern = self._drift = self._defects = None
        if sensor.fixed is not None:
            whole = draw_pattern(sensor.fixed, rows, columns, seed)
            gain = None if whole.gain is None else whole.gain[self._middle]
            self._pattern = Pattern(gain, whole.offset[self._middle])
        if sensor.drift is not None and sensor.drift.pattern:
            self._drift = draw_drift(rows, columns, seed)[self._middle] * np.float32(sensor.drift.pattern)
        if sensor.bad_pixels is not None:
            dead, hot = (
                places - np.array([[top], [left]]) for places in draw_bad_pixels(sensor.bad_pixels, rows, columns, seed)
            )
            self._defects = Defects(dead, hot, grid.rows, grid.columns, replace=sensor.bad_pixels.replace)

    def observe(self, intensity: Floats, frame: SupportsIndex | str) -> Floats:
        """Return the measured intensity (H, W) in [0, 1], on the levels of the ADC.

        The result depends on the seed and the frame only. Other releases of NumPy or other processors may draw or
        round differently.

        Args:
            intensity: Apparent intensity, float32 (H, W), in [0, 1].
            frame: Number from 0, or a key such as the image's name. It seeds the temporal noise and gives the phase
                between two shutter closings (random for a key).

        Raises:
            InputError: A size other than the camera's, or values that are not finite.
        """
        if intensity.shape != (self.height, self.width):
            raise InputError(f"expected an intensity of {self.height} x {self.width}, got {intensity.shape}")
        image = np.ascontiguousarray(intensity, dtype=np.float32)
        if not np.isfinite(image).all():
            raise InputError("expected finite intensities, got NaN or infinity")
        if self._mtf is not None:
            image = blur(image, self._mtf)
        measured = quantise(self._disturb(shrink(image, self.grid), frame_number(frame)), self.sensor.adc)
        if measured.shape == image.shape:
            return measured
        # Enlarged levels are levels again.
        return quantise(enlarge(measured, self.height, self.width), self.sensor.adc)

    def _disturb(self, seen: Floats, number: int) -> Floats:
        """Return the intensity (rows, columns) at the ADC in this frame."""
        sensor = self.sensor
        if self._pattern is not None:
            seen = self._pattern.add(seen)
        if sensor.temporal is not None:
            seen = add_temporal(seen, sensor.temporal, generator(self.seed, "temporal", number))
        if sensor.drift is not None:
            phase = np.float32(drift_phase(sensor.drift, number))
            seen = seen + phase * np.float32(sensor.drift.level)
            if self._drift is not None:
                seen = seen + phase * self._drift
        return seen if self._defects is None else self._defects.apply(seen)
