"""The settings of a conversion as its options and as the equivalent command line; imports neither gradio nor torch."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import cast

from ir_transfer.conversion.camera import NO_CAMERA, AgcChoice, CameraOptions
from ir_transfer.conversion.controls import RasterOptions
from ir_transfer.conversion.heat.options import parse_heat
from ir_transfer.conversion.options import Options, Polarity
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import BitDepth, Format
from ir_transfer.resources import PRESET

RGB_IMAGES, EXEMPLARS = "images", "exemplars"
"""Sub-folders of a workspace for uploaded files."""

OUT = "infrared"
_RANGE_WORDS = ("auto", "percentile", "full")


@dataclass(frozen=True)
class Request:
    """The settings of a conversion.

    Attributes:
        images: Names of the uploaded RGB images.
        styles: ``preset:NAME`` and names of uploaded exemplars, blended with equal weights.
        model: Name; None uses the model of the style.
        strength: 0 gives the luma of the RGB image, 1 the full style.
        polarity: Of the results; None keeps the polarity of the exemplar.
        exemplar_polarity: Of exemplar files; ``"auto"`` uses the bundled classifier.
        exemplar_range: Pixel values of exemplar files that map to black and white, or how to find them.
        heat: Rules such as ``person=+0.2`` or ``auto``.
        camera: Sensor and gain control.
        bit_depth: Of the results.
        format: Of the results.
        out: Name of the folder of the results.
    """

    images: tuple[str, ...]
    styles: tuple[str, ...]
    model: str | None = None
    strength: float = 1.0
    polarity: Polarity | None = None
    exemplar_polarity: ExemplarPolarity = "auto"
    exemplar_range: AskedRange = "auto"
    heat: tuple[str, ...] = ()
    camera: CameraOptions = NO_CAMERA
    bit_depth: BitDepth = 8
    format: Format = "png"
    out: str = OUT

    def each_style(self) -> tuple[Request, ...]:
        """Return one request per style, each with a results folder named after the style."""
        names = [PurePosixPath(style.removeprefix(PRESET)).stem for style in self.styles]
        folders = [name if names.count(name) == 1 else f"{name}-{number}" for number, name in enumerate(names, 1)]
        return tuple(
            replace(self, styles=(style,), out=f"{self.out}_{folder}")
            for style, folder in zip(self.styles, folders, strict=True)
        )

    def options(self, folder: Path, out: Path) -> Options:
        """Return the options of the conversion.

        Args:
            folder: The workspace, with the uploaded files.
            out: Folder of the results.

        Raises:
            InputError: No RGB image, no style, or an invalid value.
            UnknownNameError: An unknown sensor or object class.
        """
        if not self.images:
            raise InputError("expected at least one RGB image, got none: drop one on the page")
        if not self.styles:
            raise InputError("expected at least one style, got none: select a preset or drop an infrared exemplar")
        return Options(
            inputs=tuple(str(folder / RGB_IMAGES / name) for name in self.images),
            styles=tuple(s if s.startswith(PRESET) else str(folder / EXEMPLARS / s) for s in self.styles),
            out=out,
            model=self.model,
            strength=self.strength,
            polarity=self.polarity,
            exemplar_polarity=self.exemplar_polarity,
            exemplar_range=self.exemplar_range,
            bit_depth=self.bit_depth,
            format=self.format,
            camera=self.camera,
            heat=parse_heat(self.heat),
            raster=RasterOptions(bit_depth=self.bit_depth),
            command=self.command_line,
        )

    @property
    def command_line(self) -> str:
        """The command that writes identical files, to run in the folder of the RGB images and exemplars.

        An exemplar with the name of an RGB image gets the prefix ``exemplars/``.
        """
        return shlex.join(["ir-transfer", "convert", *map(_as_argument, self.images), *self._flags()])

    def _flags(self) -> list[str]:
        flags: list[str] = []
        for style in self.styles:
            flags += ["--style", f"{EXEMPLARS}/{style}" if style in self.images else style]
        chosen: list[tuple[str, object, object]] = [
            ("--model", self.model, None),
            ("--strength", self.strength, 1.0),
            ("--polarity", self.polarity, None),
            ("--exemplar-polarity", self.exemplar_polarity, "auto"),
            ("--exemplar-range", _range_text(self.exemplar_range), "auto"),
            *(("--heat", rule, None) for rule in self.heat),
            ("--sensor", self.camera.sensor, None),
            ("--agc", self.camera.agc, "none"),
            ("--agc-window", "{}..{}".format(*map(_number, self.camera.window)), "0..1"),
            ("--bit-depth", self.bit_depth, None),
            ("--format", self.format, "png"),
        ]
        for flag, value, default in chosen:
            if value != default:
                flags += [flag, _number(value) if isinstance(value, float) else str(value)]
        return [*flags, "-o", f"{self.out}/"]


def parse_range(text: str) -> AskedRange:
    """Return the value range of exemplars from its text.

    Raises:
        InputError: Neither a known word nor two increasing numbers.
    """
    text = text.strip() or "auto"
    if text in _RANGE_WORDS:
        return cast("AskedRange", text)
    low, _, high = text.partition(",")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = (0.0, 0.0)
    if not ends[0] < ends[1]:
        raise InputError(
            f"expected --exemplar-range auto, percentile, full, or LO,HI with LO < HI, such as 7000,9000, got {text!r}"
        )
    return ends


def camera_of(sensor: str | None, agc: str, low: float, high: float) -> CameraOptions:
    """Return the camera options; ``low`` and ``high`` apply to the linear gain control only."""
    return CameraOptions(sensor, cast("AgcChoice", agc), (low, high) if agc == "linear" else (0.0, 1.0))


def heat_rules(auto: bool, shifts: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    """Return the values of ``--heat`` for the automatic detection and for shifts by class; a shift of 0 is left out."""
    return (*(("auto",) if auto else ()), *(f"{name}={shift:+g}" for name, shift in shifts if shift))


def _as_argument(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(float(value))


def _range_text(asked: AskedRange) -> str:
    return asked if isinstance(asked, str) else ",".join(map(_number, asked))
