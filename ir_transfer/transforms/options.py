"""Configuration of the transforms, and random parameters of one image; does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

import numpy as np

from ir_transfer.conversion.camera import CameraOptions
from ir_transfer.conversion.options import Precision
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange

Channels = Literal[1, 3]
GainControl = Literal["none", "camera", "percentile", "plateau", "clahe"]

SENSOR_UNITS = 8
"""Simulated units of each sensor with different fixed-pattern noise, so that a network cannot memorise one pattern."""

_FRAMES = 2**48  # exact in a float, as which JSON parsers may read it
_PROBABILITIES = ("flip_probability", "gray_probability", "sensor_probability")


@dataclass(frozen=True)
class InfraredOptions:
    """Configuration of a transform.

    Attributes:
        styles: Style exemplars (infrared images), folders of exemplars (one style each), style files or
            ``preset:NAME``; one is chosen at random for each image.
        model: Name of the model; by default the model of the style or the weights, else adain.
        weights: Name or file of the weights; by default those of the style.
        strength: Bounds of the uniform distribution of the strength: 0 gives the luma of the RGB image, 1 the full
            style.
        flip_probability: Probability of inverting the polarity of the result.
        gray_probability: Probability of returning the luma, without sensor and inversion, instead of a translation.
        sensors: Names or YAML files of sensors to simulate; one is chosen at random for each image.
        sensor_probability: Probability of simulating a sensor, if ``sensors`` is not empty.
        agc: Automatic gain control after the sensor; ``"camera"`` uses that of the sensor.
        keep_tone: Keep the brightness order of the luma.
        exemplar_polarity: Polarity of exemplar files; ``"auto"`` uses the bundled classifier.
        exemplar_range: Pixel values of exemplar files that map to black and white, or how to find them.
        model_options: Options of the model, as strings.
        channels: Channels of the result: 1, or 3 equal ones for networks with RGB input.
        precision: Floating-point type of the computation.
        device: Device of the model: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"``.
        image_seed: If given, random parameters depend only on it and on the image, in every epoch and worker.
    """

    styles: tuple[str, ...]
    model: str | None = None
    weights: str | None = None
    strength: tuple[float, float] = (1.0, 1.0)
    flip_probability: float = 0.0
    gray_probability: float = 0.0
    sensors: tuple[str, ...] = ()
    sensor_probability: float = 1.0
    agc: GainControl = "none"
    keep_tone: bool = False
    exemplar_polarity: ExemplarPolarity = "auto"
    exemplar_range: AskedRange = "auto"
    model_options: Mapping[str, str] = field(default_factory=dict)
    channels: Channels = 3
    precision: Precision = "float32"
    device: str = "cpu"
    image_seed: int | None = None

    @classmethod
    def of(cls, styles: str | Sequence[str], **given: Any) -> Self:
        """Return checked options; a string is accepted for one style or sensor, lists for tuples, a number for a range.

        Raises:
            InputError: A value is out of range.
            IrTransferError: A sensor does not exist or is not valid.
        """
        strength: Any = given.pop("strength", 1.0)
        ends = (strength, strength) if isinstance(strength, int | float) else tuple(strength)
        asked: Any = given.pop("exemplar_range", "auto")
        asked = asked if isinstance(asked, str) else tuple(asked)
        options = cls(
            styles=_texts(styles),
            strength=ends,
            sensors=_texts(given.pop("sensors", ())),
            exemplar_range=asked,
            model_options=dict(given.pop("model_options", None) or {}),
            **given,
        )
        options.check()
        return options

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of range, and the errors of a sensor that is not valid."""
        if len(self.strength) != 2 or not 0 <= self.strength[0] <= self.strength[1] <= 1:
            raise InputError(f"expected strength as a number or LOW, HIGH in 0..1, got {self.strength}")
        for name in _PROBABILITIES:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"expected {name} in 0..1, got {getattr(self, name)}")
        for name, allowed in (
            ("agc", get_args(GainControl)),
            ("exemplar_polarity", get_args(ExemplarPolarity)),
            ("precision", get_args(Precision)),
            ("channels", get_args(Channels)),
        ):
            if getattr(self, name) not in allowed:
                raise InputError(f"expected {name} to be one of {allowed}, got {getattr(self, name)!r}")
        if self.image_seed is not None and self.image_seed < 0:
            raise InputError(f"expected image_seed of at least 0, or None, got {self.image_seed}")
        if self.agc == "camera" and not self.sensors:
            raise InputError("expected sensors with agc='camera', got none: name one (see ir-transfer sensors)")
        for camera in self.cameras:
            camera.open()

    @property
    def cameras(self) -> tuple[CameraOptions, ...]:
        """One per sensor; without sensors one with the gain control only, or none without gain control."""
        if self.sensors:
            return tuple(CameraOptions(sensor, self.agc) for sensor in self.sensors)
        return () if self.agc == "none" else (CameraOptions(None, self.agc),)

    def arguments(self) -> dict[str, Any]:
        """Return the options as JSON values, which are valid arguments of :meth:`of`."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {**plain, "model_options": dict(self.model_options)}

    def draw(self, random: np.random.Generator) -> Draw:
        """Return random parameters of one image; every call draws the same number of values."""
        gray, style, strength, flip, imitate, camera, unit, frame = random.random(8).tolist()
        low, high = self.strength
        if gray < self.gray_probability:
            return Draw(None)
        seen = bool(self.cameras) and imitate < (self.sensor_probability if self.sensors else 1.0)
        return Draw(
            style=_pick(style, len(self.styles)),
            strength=low + strength * (high - low),
            inverted=flip < self.flip_probability,
            camera=_pick(camera, len(self.cameras)) if seen else None,
            unit=_pick(unit, SENSOR_UNITS),
            frame=math.floor(frame * _FRAMES),
        )


OPTIONS = frozenset(entry.name for entry in fields(InfraredOptions))
"""Names of the options, which are also arguments of the transforms."""


@dataclass(frozen=True)
class Draw:
    """Random parameters of one image, as plain values that can be saved and replayed.

    Attributes:
        style: Index of the style; None for the luma.
        strength: 0 gives the luma of the RGB image, 1 the full style.
        inverted: Whether the polarity of the result is inverted.
        camera: Index of the camera; None without a camera.
        unit: Number of the sensor unit, which determines its fixed-pattern noise.
        frame: Number of the frame, which determines temporal noise and drift.
    """

    style: int | None
    strength: float = 1.0
    inverted: bool = False
    camera: int | None = None
    unit: int = 0
    frame: int = 0


def _texts(given: str | Sequence[str]) -> tuple[str, ...]:
    return (str(given),) if isinstance(given, str) or not isinstance(given, Sequence) else tuple(map(str, given))


def _pick(number: float, count: int) -> int:
    return min(math.floor(number * count), count - 1)
