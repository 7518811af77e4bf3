"""Flags for how inputs are read and results are written, and what a conversion takes them as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import click

from ir_transfer.cli.option_types import BANDS, BYTES, LEVELS, PAGE, RANGE
from ir_transfer.cli.options import Command

if TYPE_CHECKING:
    from ir_transfer.imaging.image_io import BitDepth


def compression_option(default: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--compression``; the text says what holds without it."""
    text = (
        "Of the results, always lossless: fast takes the least time, small makes PNG of 8 bits a sixth smaller in "
        f"about 6 times that time, none does not compress.  [default: {default}]"
    )
    return click.option("--compression", type=click.Choice(["fast", "small", "none"]), help=text)


def output_options(command: Command) -> Command:
    """Add ``--bit-depth``, ``--format`` and ``--compression``; see :func:`output_fields`."""
    for option in (
        compression_option("fast; of rasters, that of the source"),
        click.option(
            "--format",
            "format_",
            type=click.Choice(["png", "tiff"]),
            default="png",
            show_default=True,
            help="Of the results.",
        ),
        click.option(
            "--bit-depth",
            type=click.Choice(["8", "16"]),
            help="Of the results.  [default: 8; of rasters, that of the source]",
        ),
    ):
        command = option(command)
    return command


def camera_options(command: Command) -> Command:
    """Add ``--sensor``, ``--agc`` and ``--agc-window``; see :func:`output_fields`."""
    sensor = "Imitate this sensor: one of ir-transfer sensors, or a YAML file. The size stays that of the RGB image."
    agc = (
        "Gain control, the last stage: none keeps one window for all images, camera takes the sensor's own, "
        "linear shows --agc-window; the others look at each image as cameras do."
    )
    for option in (
        click.option(
            "--agc-window",
            type=RANGE,
            default="0..1",
            show_default=True,
            metavar="LOW..HIGH",
            help="Of --agc linear.",
        ),
        click.option(
            "--agc",
            type=click.Choice(["none", "camera", "linear", "percentile", "plateau", "clahe"]),
            default="none",
            show_default=True,
            help=agc,
        ),
        click.option("--sensor", metavar="NAME|FILE", help=sensor),
    ):
        command = option(command)
    return command


def size_options(command: Command) -> Command:
    """Add ``--memory`` and ``--tile-size``; see :func:`output_fields`."""
    memory = "What the process may take: larger images go by tiles, to the same result.  [default: 2GB on a CPU]"
    tile = "Translate what is larger by tiles of this side."
    for option in (
        click.option("--tile-size", type=click.IntRange(min=64), metavar="N", help=tile),
        click.option("--memory", type=BYTES, metavar="2GB", help=memory),
    ):
        command = option(command)
    return command


def levels_option(command: Command) -> Command:
    """Add ``--levels``."""
    levels = (
        "Numbers of the inputs that become black and white, or percentile (2nd to 98th over all of one).  "
        "[default: those of the container; of rasters with a place on Earth and more than 8 bits, percentile]"
    )
    return click.option("--levels", type=LEVELS, metavar="LO,HI|percentile", help=levels)(command)


def raster_options(command: Command) -> Command:
    """Add ``--bands``, ``--levels``, ``--nodata``, ``--page``, ``--cog`` and ``--overviews``."""
    page = (
        "Image of a file with several (pages of a TIFF, frames of an animation, further views of a camera), from 1, or "
        "all, each with a result of its own.  [default: the first of full size]"
    )
    nodata = "Number of invalid pixels in TIFFs that do not declare it."
    for option in (
        click.option("--page", type=PAGE, metavar="N|all", help=page),
        click.option("--overviews", is_flag=True, help="Write overviews into the results of TIFFs."),
        click.option("--cog", is_flag=True, help="Write the results of TIFFs as cloud-optimised GeoTIFFs."),
        click.option("--nodata", type=float, metavar="NUMBER", help=nodata),
        levels_option,
        click.option("--bands", type=BANDS, metavar="4,3,2", help="Bands of TIFFs for red, green, blue; or one."),
    ):
        command = option(command)
    return command


def output_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given, with format, bit depth, camera and sizes as the conversion's options have them."""
    from ir_transfer.conversion.camera import CameraOptions
    from ir_transfer.conversion.size_options import RasterOptions, SizeOptions

    fields = dict(given)
    camera = CameraOptions(*(fields.pop(name) for name in ("sensor", "agc", "agc_window")))
    depth = fields.pop("bit_depth")
    depth = None if depth is None else cast("BitDepth", int(depth))
    compression = fields.pop("compression")
    raster = RasterOptions(
        fields.pop("bands", None),
        fields.pop("levels", None),
        depth,
        fields.pop("cog", False),
        fields.pop("overviews", False),
        fields.pop("nodata", None),
        fields.pop("page", None),
        compression,
    )
    size = SizeOptions(fields.pop("memory"), fields.pop("tile_size"))
    made = {"format": fields.pop("format_"), "bit_depth": depth or 8, "camera": camera, "size": size, "raster": raster}
    return fields | made | ({} if compression is None else {"compression": compression})
