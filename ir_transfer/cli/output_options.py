"""Options for reading and writing images, and the conversion options derived from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import click

from ir_transfer.cli.option_types import BANDS, BYTES, LEVELS, PAGE, RANGE
from ir_transfer.cli.options import Command, combined

if TYPE_CHECKING:
    from ir_transfer.imaging.image_io import BitDepth


def compression_option(default: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--compression``; the text describes the default."""
    text = (
        "Lossless compression of the results: fast is the quickest, small makes 8-bit PNG files a sixth smaller in "
        f"about 6 times the time, none does not compress.  [default: {default}]"
    )
    return click.option("--compression", type=click.Choice(["fast", "small", "none"]), help=text)


output_options = combined(
    click.option(
        "--bit-depth",
        type=click.Choice(["8", "16"]),
        help="Bit depth of the results.  [default: 8; for rasters that of the source]",
    ),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["png", "tiff"]),
        default="png",
        show_default=True,
        help="File format of the results.",
    ),
    compression_option("fast; for rasters the compression of the source"),
)
"""``--bit-depth``, ``--format`` and ``--compression``; see :func:`output_fields`."""

camera_options = combined(
    click.option(
        "--sensor",
        metavar="NAME|FILE",
        help="Simulate this sensor (see ir-transfer sensors), or one described by a YAML file. The result keeps the "
        "size of the RGB image.",
    ),
    click.option(
        "--agc",
        type=click.Choice(["none", "camera", "linear", "percentile", "plateau", "clahe"]),
        default="none",
        show_default=True,
        help="Automatic gain control, applied last: none uses one mapping for all images, camera the gain control "
        "of the sensor, linear the window --agc-window; the others adapt to each image.",
    ),
    click.option(
        "--agc-window",
        type=RANGE,
        default="0..1",
        show_default=True,
        metavar="LOW..HIGH",
        help="Intensities that map to black and white with --agc linear.",
    ),
)
"""``--sensor``, ``--agc`` and ``--agc-window``; see :func:`output_fields`."""

size_options = combined(
    click.option(
        "--memory",
        type=BYTES,
        metavar="2GB",
        help="Memory limit of the process; larger images are converted in tiles, with the same result.  "
        "[default: 2GB on a CPU]",
    ),
    click.option(
        "--tile-size",
        type=click.IntRange(min=64),
        metavar="N",
        help="Convert images larger than N pixels in tiles of this side.",
    ),
)
"""``--memory`` and ``--tile-size``; see :func:`output_fields`."""


def levels_option(command: Command) -> Command:
    """Add ``--levels``."""
    levels = (
        "Pixel values of the inputs that map to black and white, or percentile (2nd to 98th, over all bands).  "
        "[default: the value range of the file's type; percentile for georeferenced rasters of more than 8 bits]"
    )
    return click.option("--levels", type=LEVELS, metavar="LO,HI|percentile", help=levels)(command)


raster_options = combined(
    click.option(
        "--bands", type=BANDS, metavar="4,3,2", help="Bands of TIFF files to use as red, green and blue; or one band."
    ),
    levels_option,
    click.option(
        "--nodata", type=float, metavar="NUMBER", help="Value of invalid pixels in TIFF files that do not declare it."
    ),
    click.option("--cog", is_flag=True, help="Write results of TIFF files as cloud-optimised GeoTIFF."),
    click.option("--overviews", is_flag=True, help="Write overviews into results of TIFF files."),
    click.option(
        "--page",
        type=PAGE,
        metavar="N|all",
        help="Page of a file with several images (TIFF pages, animation frames, views of an MPO), counted from 1, or "
        "all, with one result per page.  [default: the first page of full size]",
    ),
)
"""``--bands``, ``--levels``, ``--nodata``, ``--cog``, ``--overviews`` and ``--page``; see :func:`output_fields`."""


def output_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the conversion options for the parameters of a command.

    Args:
        given: All parameters; those of this module are replaced by ``format``, ``bit_depth``, ``camera``, ``size``,
            ``raster`` and, if it was given, ``compression``.
    """
    from ir_transfer.conversion.camera import CameraOptions
    from ir_transfer.conversion.controls import RasterOptions, SizeOptions

    fields = dict(given)
    camera = CameraOptions(*(fields.pop(name) for name in ("sensor", "agc", "agc_window")))
    depth = fields.pop("bit_depth")
    depth = None if depth is None else cast("BitDepth", int(depth))
    compression = fields.pop("compression")
    raster = RasterOptions(
        fields.pop("bands"),
        fields.pop("levels"),
        depth,
        fields.pop("cog"),
        fields.pop("overviews"),
        fields.pop("nodata"),
        fields.pop("page"),
        compression,
    )
    size = SizeOptions(fields.pop("memory"), fields.pop("tile_size"))
    made = {"format": fields.pop("format_"), "bit_depth": depth or 8, "camera": camera, "size": size, "raster": raster}
    return fields | made | ({} if compression is None else {"compression": compression})
