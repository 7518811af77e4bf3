"""The parameters of a sensor. A YAML file in ``configs/sensor/`` mirrors :class:`SensorModel` one to one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from ir_transfer.data.cards import Band
from ir_transfer.sensor.agc import Agc
from ir_transfer.sensor.ranges import within


@dataclass(frozen=True)
class Optics:
    """The lens and the area of a detector; see :mod:`ir_transfer.sensor.optics`.

    Attributes:
        f_number: Focal length by aperture.
        wavelength_um: That stands for the band, in micrometres.
        pitch_um: From row to row of the detectors, in micrometres.
        aberration_px: Standard deviation of a Gaussian for all that is not diffraction (lens errors, focus, crosstalk
            of neighbours), in detector pixels.
        footprint: Whether a detector averages over its whole pixel. Where the image is finer than the sensor, the
            sampling does that, whatever this says.
    """

    f_number: float = within(0.5, 64)
    wavelength_um: float = within(0.3, 20)
    pitch_um: float = within(1, 100)
    aberration_px: float = within(0, 10, 0.0)
    footprint: bool = True


@dataclass(frozen=True)
class Sampling:
    """The grid of the detectors.

    Attributes:
        width: Columns.
        height: Rows.
        pixel_aspect: Width of a pixel by its height; the rows stay ``pitch_um`` apart.
    """

    width: int = within(16, 16384)
    height: int = within(16, 16384)
    pixel_aspect: float = within(0.25, 4, 1.0)


@dataclass(frozen=True)
class Fixed:
    """What the correction of non-uniformity leaves over; the same in every frame of a run.

    All are standard deviations over the sensor, as shares of the range.

    Attributes:
        offset: From pixel to pixel, added.
        gain: From pixel to pixel, a factor 1 + gain on the intensity.
        row: From row to row, added.
        column: From column to column, added.
        shading: Slow over the frame, added: shutter and lens of another temperature than the scene.
    """

    offset: float = within(0, 0.5, 0.0)
    gain: float = within(0, 0.5, 0.0)
    row: float = within(0, 0.5, 0.0)
    column: float = within(0, 0.5, 0.0)
    shading: float = within(0, 0.5, 0.0)


@dataclass(frozen=True)
class Temporal:
    """Noise that is new in every frame; all of it adds in quadrature.

    Attributes:
        netd_mk: Noise-equivalent temperature difference in mK, which is ``netd_mk / 1000 / span_kelvin`` of the range.
        span_kelvin: How many kelvin the range [0, 1] stands for, as a scale of the noise and for nothing else.
        read: Standard deviation of a pixel, as a share of the range, for sensors without a NETD.
        full_well_electrons: Electrons at 1.0; their shot noise has the variance intensity / full_well_electrons.
        row: Standard deviation of whole rows, as a share of the range.
        column: Standard deviation of whole columns, as a share of the range.
    """

    netd_mk: float | None = within(0, 10_000, None)
    span_kelvin: float | None = within(0.1, 10_000, None)
    read: float = within(0, 0.5, 0.0)
    full_well_electrons: float | None = within(10, 1e9, None)
    row: float = within(0, 0.5, 0.0)
    column: float = within(0, 0.5, 0.0)

    @property
    def sigma(self) -> float:
        """Standard deviation of a pixel without shot noise, as a share of the range."""
        thermal = self.netd_mk / 1000 / self.span_kelvin if self.netd_mk and self.span_kelvin else 0.0
        return float((thermal**2 + self.read**2) ** 0.5)


@dataclass(frozen=True)
class Drift:
    """What grows from one closing of the shutter to the next, and is zero right after it.

    Attributes:
        shutter_frames: Frames from one closing to the next.
        pattern: Standard deviation from pixel to pixel just before the shutter closes, as a share of the range. It is
            always the same pattern.
        level: Shift of the whole frame just before the shutter closes, as a share of the range.
    """

    shutter_frames: int = within(1, 10_000_000)
    pattern: float = within(0, 0.5, 0.0)
    level: float = within(-0.5, 0.5, 0.0)


@dataclass(frozen=True)
class BadPixels:
    """Detectors that do not answer.

    Attributes:
        dead: Share of the pixels that always read 0.
        hot: Share of the pixels that always read 1.
        replace: Whether the camera puts the mean of the good ones among the eight neighbours there.
    """

    dead: float = within(0, 0.1, 0.0)
    hot: float = within(0, 0.1, 0.0)
    replace: bool = False


@dataclass(frozen=True)
class Adc:
    """The analogue-to-digital converter: ``low`` to ``high`` in steps of equal width, saturated outside.

    Attributes:
        bits: Of a level.
        low: Intensity of level 0.
        high: Intensity of the highest level; what is brighter is saturated.
    """

    bits: Literal[8, 10, 12, 14, 16]
    low: float = within(0, 1, 0.0)
    high: float = within(0, 1, 1.0)


@dataclass(frozen=True)
class SensorModel:
    """A sensor. A stage that is None does nothing.

    Attributes:
        description: One line.
        band: Infrared band that it is for.
        sampling: The grid of the detectors; the image's own if None.
        optics: Blur.
        fixed: Fixed-pattern noise.
        temporal: Temporal noise.
        drift: Drift over frames.
        bad_pixels: Dead and hot pixels.
        adc: Converter; without one the intensity stays continuous.
        agc: The AGC that the camera comes with. :class:`~ir_transfer.sensor.camera.Camera` does not apply it.
        provenance: Where a value comes from, by its key (``temporal.netd_mk``, or ``temporal`` for the whole stage).
        name: That of the file.
    """

    description: str = ""
    band: Band = "any"
    sampling: Sampling | None = None
    optics: Optics | None = None
    fixed: Fixed | None = None
    temporal: Temporal | None = None
    drift: Drift | None = None
    bad_pixels: BadPixels | None = None
    adc: Adc | None = None
    agc: Agc = field(default_factory=Agc)
    provenance: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
    name: str = "unnamed"

    def look(self) -> dict[str, Any]:
        """Return all that decides the pixels, as values that JSON knows."""
        values = dataclasses.asdict(self)
        for words in ("description", "provenance"):
            del values[words]
        return values
