"""The parameters of a sensor and its YAML file, which mirrors :class:`SensorModel` (``configs/sensor/NAME.yaml``)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ir_transfer.data.cards import Band
from ir_transfer.errors import InputError
from ir_transfer.resources import bundled_names, yaml_file
from ir_transfer.sensor.agc import Agc
from ir_transfer.sensor.ranges import check_ranges, within
from ir_transfer.yaml_fields import fill, read_mapping

KINDS = ("datasheet", "reported", "derived", "assumed")
"""First word of every provenance: from the maker's document; reported by a third party; computed from such values; our
assumption."""


def list_sensors() -> list[str]:
    """Return the names of the bundled presets."""
    return bundled_names("configs/sensor")


def load_sensor(name: str | Path) -> SensorModel:
    """Read a bundled preset by name, or any sensor file by its path (which ends in ``.yaml`` or ``.yml``).

    Raises:
        UnknownNameError: No preset of that name (the message lists the closest ones), or an unknown key.
        MissingFileError: No such file.
        InputError: A value of the wrong type or out of range, or inconsistent values.
    """
    path = yaml_file(name, "configs/sensor", "sensor")
    raw = read_mapping(path, "sensor", "see ir-transfer sensors")
    if "name" in raw:
        raise InputError(f"expected no key 'name' in {path}: remove it, the sensor is named after its file")
    model = dataclasses.replace(fill(SensorModel, raw, str(path)), name=path.stem)
    check_ranges(model, str(path))
    _check_fit(model, str(path))
    _check_provenance(model, f"{path}: provenance")
    return model


def _check_fit(model: SensorModel, where: str) -> None:
    temporal, bad, adc, agc = model.temporal, model.bad_pixels, model.adc, model.agc
    if temporal is not None and (temporal.netd_mk is None) != (temporal.span_kelvin is None):
        raise InputError(f"expected both netd_mk and span_kelvin in {where}: temporal, or neither, got one of them")
    if bad is not None and bad.dead + bad.hot > 0.1:
        raise InputError(f"expected {where}: bad_pixels: dead + hot up to 0.1, got {bad.dead + bad.hot:g}")
    if adc is not None and not adc.low < adc.high:
        raise InputError(f"expected {where}: adc: low below high, got {adc.low:g} and {adc.high:g}")
    if not agc.low < agc.high:
        raise InputError(f"expected {where}: agc: low below high, got {agc.low:g} and {agc.high:g}")


def _check_provenance(model: SensorModel, where: str) -> None:
    for key, text in model.provenance.items():
        stage, _, value = str(key).partition(".")
        part = getattr(model, stage, None)
        if part is None or stage in {"provenance", "name"} or (value and not hasattr(part, value)):
            raise InputError(f"expected the keys of values that this file sets in {where}, got {key!r}")
        if not isinstance(text, str) or text.partition(":")[0] not in KINDS:
            raise InputError(f"expected {where}: {key} to begin with one of {', '.join(KINDS)} and ':', got {text!r}")


@dataclass(frozen=True)
class Optics:
    """The lens and the area of a detector; see :mod:`ir_transfer.sensor.optics`.

    Attributes:
        f_number: Focal length divided by aperture.
        wavelength_um: Representative wavelength of the band, in micrometres.
        pitch_um: Distance between rows of detectors, in micrometres.
        aberration_px: Standard deviation of a Gaussian for all blur but diffraction (aberrations, focus, crosstalk), in
            detector pixels.
        footprint: Whether a detector averages over its whole pixel. If the image is finer than the sensor, the sampling
            always does so.
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
        pixel_aspect: Width of a pixel divided by its height; the rows stay ``pitch_um`` apart.
    """

    width: int = within(16, 16384)
    height: int = within(16, 16384)
    pixel_aspect: float = within(0.25, 4, 1.0)


@dataclass(frozen=True)
class Fixed:
    """Residual non-uniformity after correction (NUC); the same in every frame of a run.

    All values are standard deviations over the sensor, as shares of the range.

    Attributes:
        offset: Additive, independent for each pixel.
        gain: Multiplicative, a factor 1 + gain for each pixel.
        row: Additive, for whole rows.
        column: Additive, for whole columns.
        shading: Additive, of low spatial frequency: shutter and lens that differ in temperature from the scene.
    """

    offset: float = within(0, 0.5, 0.0)
    gain: float = within(0, 0.5, 0.0)
    row: float = within(0, 0.5, 0.0)
    column: float = within(0, 0.5, 0.0)
    shading: float = within(0, 0.5, 0.0)


@dataclass(frozen=True)
class Temporal:
    """Temporal noise, independent in every frame; its components add in quadrature.

    Attributes:
        netd_mk: Noise-equivalent temperature difference in mK, which is ``netd_mk / 1000 / span_kelvin`` of the range.
        span_kelvin: Kelvin that the range [0, 1] spans; only scales the noise.
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
    """Drift that grows linearly between two shutter closings and is zero right after each.

    Attributes:
        shutter_frames: Frames between two closings.
        pattern: Standard deviation over the pixels just before the shutter closes, as a share of the range. The
            pattern is always the same.
        level: Shift of the whole frame just before the shutter closes, as a share of the range.
    """

    shutter_frames: int = within(1, 10_000_000)
    pattern: float = within(0, 0.5, 0.0)
    level: float = within(-0.5, 0.5, 0.0)


@dataclass(frozen=True)
class BadPixels:
    """Detectors that do not respond.

    Attributes:
        dead: Share of the pixels that always read 0.
        hot: Share of the pixels that always read 1.
        replace: Whether the camera replaces them by the mean of their good neighbours among eight.
    """

    dead: float = within(0, 0.1, 0.0)
    hot: float = within(0, 0.1, 0.0)
    replace: bool = False


@dataclass(frozen=True)
class Adc:
    """The analogue-to-digital converter: uniform steps from ``low`` to ``high``, saturated outside.

    Attributes:
        bits: Bits per level.
        low: Intensity of level 0.
        high: Intensity of the highest level.
    """

    bits: Literal[8, 10, 12, 14, 16]
    low: float = within(0, 1, 0.0)
    high: float = within(0, 1, 1.0)


@dataclass(frozen=True)
class SensorModel:
    """Parameters of a sensor. A stage that is None is skipped.

    Attributes:
        description: One line.
        band: Infrared band.
        sampling: The grid of the detectors; if None, that of the image.
        optics: Blur.
        fixed: Fixed-pattern noise.
        temporal: Temporal noise.
        drift: Drift over frames.
        bad_pixels: Dead and hot pixels.
        adc: Converter; if None, the intensity stays continuous.
        agc: The camera's AGC. :class:`~ir_transfer.sensor.camera.Camera` does not apply it.
        provenance: Source of each value by its key (``temporal.netd_mk``, or ``temporal`` for the whole stage).
        name: Name of the file without suffix.
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
        """Return all parameters that affect the pixels, as JSON values."""
        values = dataclasses.asdict(self)
        for words in ("description", "provenance"):
            del values[words]
        return values
