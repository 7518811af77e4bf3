"""Flags that several commands share, each defined once."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from ir_transfer.cli.option_types import (
    AutoOrCount,
    Bands,
    Bytes,
    ExemplarRange,
    KeyValue,
    Levels,
    NumberList,
    Page,
    Place,
    Range,
)
from ir_transfer.cli.result import Session
from ir_transfer.cli.streams import escape_controls

if TYPE_CHECKING:
    from ir_transfer.data.image_io import BitDepth
    from ir_transfer.tracking.fetch import Fetched

_LARGEST_SEED = 2**32 - 1
_STORE_PREFIXES = ("models:/", "runs:/")
Command = TypeVar("Command", bound=Callable[..., Any])


def style_option(what_more_do: str, *, required: bool = True) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--style``; the text says what several are for."""
    text = (
        "Infrared exemplar, folder of exemplars (one look), saved style (.safetensors) or preset "
        f"(see ir-transfer styles). {what_more_do}"
    )
    kinds = "FILE|FOLDER|preset:NAME"
    return click.option("--style", "styles", multiple=True, required=required, metavar=kinds, help=text)


def exemplar_range_option(command: Command) -> Command:
    """Add ``--exemplar-range``."""
    text = (
        "Numbers of exemplar files that become black and white; auto stretches what is narrow in a wide container "
        "(12 bits in 16, counts, centikelvin, Kelvin, Celsius) by its 1st and 99.5th percentile, percentile stretches "
        "any file, full takes the container."
    )
    return click.option(
        "--exemplar-range",
        type=ExemplarRange(),
        default="auto",
        show_default=True,
        metavar="auto|percentile|full|LO,HI",
        help=text,
    )(command)


def polarity_option(command: Command) -> Command:
    """Add ``--polarity``."""
    text = "Of the results; they are inverted if the exemplar's differs.  [default: the exemplar's own]"
    return click.option("--polarity", type=click.Choice(["white-hot", "black-hot"]), help=text)(command)


def exemplar_polarity_option(command: Command) -> Command:
    """Add ``--exemplar-polarity``."""
    text = (
        "Which way round exemplar files are; auto judges each, takes it for black-hot only if that is clear, and says "
        "so. Near-infrared is never judged."
    )
    kinds = click.Choice(["auto", "white-hot", "black-hot"])
    return click.option("--exemplar-polarity", type=kinds, default="auto", show_default=True, help=text)(command)


def style_options(command: Command) -> Command:
    """Add ``--style``, ``--style-weights``, ``--strength``, ``--polarity``, and how exemplars are read."""
    for option in (
        exemplar_polarity_option,
        exemplar_range_option,
        polarity_option,
        click.option(
            "--strength",
            type=click.FloatRange(0, 1),
            metavar="0..1",
            default=1.0,
            show_default=True,
            help="0 keeps the photograph's own look, 1 takes the exemplar's.",
        ),
        click.option(
            "--style-weights", type=NumberList(), metavar="0.7,0.3", help="Share of each --style.  [default: equal]"
        ),
        style_option("Repeat it to blend.", required=False),
    ):
        command = option(command)
    return command


def model_option(command: Command) -> Command:
    """Add ``--model``."""
    return click.option(
        "--model",
        metavar="NAME",
        help="Model; see ir-transfer models.  [default: that of the style or the weights, else adain]",
    )(command)


def run_options_option(command: Command) -> Command:
    """Add ``--option``, a mapping named ``model_options``."""
    return click.option(
        "--option",
        "model_options",
        type=KeyValue(),
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda ctx, param, pairs: dict(pairs),
        help="Set an option of the model, such as steps=100 of gatys; a wrong KEY lists them. May be repeated.",
    )(command)


def weights_option(command: Command) -> Command:
    """Add ``--weights``."""
    text = (
        "Shipped weights (adain-nir, or nir for short), a .safetensors file, or a model in MLflow "
        "(models:/adain-lwir@champion, models:/adain-lwir/3, runs:/...).  [default: what the style asks for]"
    )
    return click.option("--weights", metavar="NAME|FILE|URI", help=text)(command)


def runtime_option(command: Command) -> Command:
    """Add ``--runtime``."""
    text = (
        "What runs the network: torch, or onnxruntime or openvino with an exported file (see ir-transfer export) as "
        "--weights.  [default: by the file]"
    )
    kinds = click.Choice(["torch", "onnxruntime", "openvino"])
    return click.option("--runtime", type=kinds, help=text)(command)


def device_option(command: Command) -> Command:
    """Add ``--device``."""
    text = "auto, cpu, cuda or cuda:N; auto takes CUDA where there is one."
    return click.option("--device", default="auto", show_default=True, metavar="DEVICE", help=text)(command)


def threads_option(command: Command) -> Command:
    """Add ``--threads``."""
    text = "Threads that compute on a CPU.  [default: all cores]"
    return click.option("--threads", type=click.IntRange(min=1), metavar="N", help=text)(command)


def seed_option(command: Command) -> Command:
    """Add ``--seed``."""
    text = "Random seed, for models that draw random numbers."
    return click.option(
        "--seed", type=click.IntRange(0, _LARGEST_SEED), default=0, show_default=True, metavar="N", help=text
    )(command)


def max_pixels_option(command: Command) -> Command:
    """Add ``--max-pixels``."""
    from ir_transfer.data.image_io import MAX_PIXELS

    text = "Refuse larger pictures before decoding them."
    return click.option(
        "--max-pixels", type=click.IntRange(min=1), default=MAX_PIXELS, show_default=True, metavar="N", help=text
    )(command)


def verbosity_options(command: Command) -> Command:
    """Add ``-v`` and ``-q``."""
    command = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)
    return click.option("-v", "--verbose", is_flag=True, help="Say what is done.")(command)


def tracking_uri_option(command: Command) -> Command:
    """Add ``--tracking-uri``."""
    text = "MLflow server or database.  [default: $MLFLOW_TRACKING_URI, else mlflow.db beside the runs]"
    return click.option("--tracking-uri", metavar="URI", help=text)(command)


def tracking_options(command: Command) -> Command:
    """Add ``--tracking-uri`` and ``--no-tracking``."""
    off = "Tell MLflow nothing."
    command = click.option("--no-tracking", "tracking", is_flag=True, default=True, flag_value=False, help=off)(command)
    return tracking_uri_option(command)


def fetched(text: str | None, tracking_uri: str | None, runs: Path | None = None) -> Fetched | None:
    """Return what ``models:/...`` or ``runs:/...`` names, as a file that lasts as long as the command; None else.

    Args:
        text: Weights as they were typed.
        tracking_uri: As it was typed.
        runs: Folder whose ``mlflow.db`` is the default; ``runs`` if None.

    Raises:
        IrTransferError: It cannot be fetched; see :func:`~ir_transfer.tracking.fetch.fetch_weights`.
    """
    if text is None or not text.startswith(_STORE_PREFIXES):
        return None
    from ir_transfer.tracking.fetch import fetch_weights
    from ir_transfer.tracking.store import DEFAULT_FOLDER, resolve_uri

    folder = click.get_current_context().with_resource(tempfile.TemporaryDirectory())
    return fetch_weights(text, resolve_uri(tracking_uri, runs or DEFAULT_FOLDER), Path(folder))


def local_weights(text: str, tracking_uri: str | None, runs: Path | None = None) -> str:
    """Return weights as a name or file: what lies in an MLflow store is fetched; see :func:`fetched`."""
    found = fetched(text, tracking_uri, runs)
    return text if found is None else str(found.weights.path)


def data_set_options(command: Command) -> Command:
    """Options that say how ``--data`` lies on disk, and which part of it is meant."""
    card = "How --data lies on disk, and its polarity: a data set card (see datasets list) or the .yaml file of one."
    split = "File of datasets split, whose part is taken.  [default: the parts of the card]"
    part = "Which part of the split or card.  [default: val of a split, all of a card without the protocol's part]"
    for option in (
        click.option("--part", metavar="NAME", help=part),
        click.option("--split", type=click.Path(path_type=Path), metavar="FILE", help=split),
        click.option("--card", metavar="NAME|FILE", help=card),
    ):
        command = option(command)
    return command


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
    sensor = "Imitate this sensor: one of ir-transfer sensors, or a YAML file. The size stays that of the photograph."
    agc = (
        "Gain control, the last stage: none keeps one window for all pictures, camera takes the sensor's own, "
        "linear shows --agc-window; the others look at each picture as cameras do."
    )
    for option in (
        click.option(
            "--agc-window",
            type=Range(),
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
    memory = "What the process may take: larger pictures go by tiles, to the same result.  [default: 2GB on a CPU]"
    tile = "Translate what is larger by tiles of this side."
    for option in (
        click.option("--tile-size", type=click.IntRange(min=64), metavar="N", help=tile),
        click.option("--memory", type=Bytes(), metavar="2GB", help=memory),
    ):
        command = option(command)
    return command


def levels_option(command: Command) -> Command:
    """Add ``--levels``."""
    levels = (
        "Numbers of the inputs that become black and white, or percentile (2nd to 98th over all of one).  "
        "[default: those of the container; of rasters with a place on Earth and more than 8 bits, percentile]"
    )
    return click.option("--levels", type=Levels(), metavar="LO,HI|percentile", help=levels)(command)


def raster_options(command: Command) -> Command:
    """Add ``--bands``, ``--levels``, ``--nodata``, ``--page``, ``--cog`` and ``--overviews``."""
    page = (
        "Image of a file with several (pages of a TIFF, frames of an animation, further views of a camera), from 1, or "
        "all, each with a result of its own.  [default: the first of full size]"
    )
    nodata = "Number of invalid pixels in TIFFs that do not declare it."
    for option in (
        click.option("--page", type=Page(), metavar="N|all", help=page),
        click.option("--overviews", is_flag=True, help="Write overviews into the results of TIFFs."),
        click.option("--cog", is_flag=True, help="Write the results of TIFFs as cloud-optimised GeoTIFFs."),
        click.option("--nodata", type=float, metavar="NUMBER", help=nodata),
        levels_option,
        click.option("--bands", type=Bands(), metavar="4,3,2", help="Bands of TIFFs for red, green, blue; or one."),
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


def speed_options(command: Command) -> Command:
    """Add ``--precision``, ``--batch-size`` and ``--workers``."""
    for option in (
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Threads that read, and as many that write.  [default: cores, at most 4 where a CPU translates]",
        ),
        click.option(
            "--batch-size",
            type=AutoOrCount(),
            default="auto",
            show_default=True,
            metavar="auto|N",
            help="Images at once on CUDA, at most: those of one size go in batches of 16, 8, 4, 2 or 1. With 1, no "
            "result depends on the others by as much as rounding. A CPU takes them one by one.",
        ),
        click.option(
            "--precision",
            type=click.Choice(["float32", "bfloat16"]),
            default="float32",
            show_default=True,
            help="bfloat16 is faster where the machine supports it, and less exact.",
        ),
    ):
        command = option(command)
    return command


def engine_options(command: Command) -> Command:
    """Add ``--engine``, ``--address`` and ``--ray-workers``."""
    for option in (
        click.option(
            "--ray-workers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Workers of the Ray cluster.  [default: one for each GPU, else for each machine]",
        ),
        click.option(
            "--address", metavar="HOST:PORT|auto", help="Ray cluster.  [default: one on this machine, for this run]"
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="ray spreads the work over a cluster whose machines see the same files (extra ray).",
        ),
    ):
        command = option(command)
    return command


def refuse_idle_engine_options(given: Mapping[str, Any]) -> None:
    """Raise a usage error for options of the Ray engine where another is used."""
    if given["engine"] == "ray":
        return
    for name in ("address", "ray_workers"):
        if given[name] is not None:
            raise click.UsageError(f"expected --engine ray with --{name.replace('_', '-')}, got --engine local")


def out_option(text: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``-o``: a path or a URL."""
    return click.option("-o", "--out", type=Place(), metavar="PATH|URL", help=text)


def local_places(inputs: Sequence[str], out: Path | str | None) -> tuple[tuple[str, ...], Path | None]:
    """Return local folders for remote inputs and results, which last as long as the command.

    Raises:
        IrTransferError: A storage cannot be used; see :func:`~ir_transfer.conversion.staging.staged`.
    """
    from ir_transfer.data.remote import is_url

    if not any(is_url(str(text)) for text in (*inputs, out)):
        return tuple(inputs), None if out is None else Path(out)
    from ir_transfer.conversion.staging import staged

    return click.get_current_context().with_resource(staged(inputs, out))


def shown(path: Path) -> str:
    """Return a path as it is printed: with the URL that its folder stands for."""
    from ir_transfer.data.remote import public

    return escape_controls(public(click.format_filename(path)))


def typed_command() -> str:
    """Return the command as it was typed, without secrets in URLs."""
    from ir_transfer.redaction import redact

    session = click.get_current_context().find_root().obj
    typed = session.args if isinstance(session, Session) else sys.argv[1:]
    return shlex.join(["ir-transfer", *map(redact, typed)])
