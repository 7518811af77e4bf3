"""What a transform is configured with, and what it draws for one image; free of torch."""

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
"""Units of each sensor, each with a fixed pattern of its own, so that a network cannot learn one pattern by heart."""

_FRAMES = 2**48  # small enough for the float of a JSON reader
_PROBABILITIES = ("flip_probability", "gray_probability", "sensor_probability")


@dataclass(frozen=True)
class InfraredOptions:
    """Configuration of a transform.

    Attributes:
        styles: Style exemplars (infrared images), folders of exemplars (one style each), style files or
            ``preset:NAME``; one of them is drawn for each image.
        model: Name of the model; that of the style or the weights by default, else adain.
        weights: Name or file of its weights; those of the style by default.
        strength: Ends of the range that the strength is drawn from: 0 keeps the look of the RGB image, 1 takes the
            exemplar's.
        flip_probability: Of turning the result to the other polarity.
        gray_probability: Of the plain luma in place of a translation; it passes no sensor and is never turned.
        sensors: Names or YAML files of sensors to imitate; one of them is drawn for each image.
        sensor_probability: Of imitating a sensor at all, where there are some.
        agc: Gain control after the sensor; ``"camera"`` takes that of the sensor drawn.
        keep_tone: Keep the luma's order of bright and dark.
        exemplar_polarity: Which way round exemplar files are; ``"auto"`` lets the shipped classifier decide.
        exemplar_range: Numbers of exemplar files that become black and white, or how to find them.
        model_options: Run-time options of the model, as text.
        channels: Of the result: 1, or 3 with equal values, as networks for RGB images take.
        precision: What to compute in.
        device: Where to compute: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or ``"auto"``.
        image_seed: Makes the draw of an image depend on this number and the image alone, in every epoch and worker.
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
        """Return checked options from what a caller, or a JSON file, may write: one text for several, lists, a number.

        Raises:
            InputError: A value out of its range.
            IrTransferError: A sensor that does not exist.
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
            **given,
        )
        options.check()
        return options

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range, and what a faulty sensor raises."""
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
        """One for each sensor; the gain control alone where there is no sensor; none without both."""
        if self.sensors:
            return tuple(CameraOptions(sensor, self.agc) for sensor in self.sensors)
        return () if self.agc == "none" else (CameraOptions(None, self.agc),)

    def arguments(self) -> dict[str, Any]:
        """Return the options as values that JSON knows; :meth:`of` takes them back."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {**plain, "model_options": dict(self.model_options)}

    def draw(self, random: np.random.Generator) -> Draw:
        """Draw how one image is made; every draw takes the same numbers from the generator."""
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


@dataclass(frozen=True)
class Draw:
    """How one image is made; plain values, so that it can be saved and replayed.

    Attributes:
        style: Index of the style; None for the plain luma.
        strength: 0 keeps the look of the RGB image, 1 takes the exemplar's.
        inverted: Whether the result is turned to the other polarity.
        camera: Index of the camera; None if none is imitated.
        unit: Which unit of the sensor: its fixed pattern.
        frame: Number of the frame: its temporal noise and drift.
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
