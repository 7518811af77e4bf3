"""Flags that several commands share, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ir_transfer.cli.option_types import ExemplarRange, KeyValue, NumberList, Place

_LARGEST_SEED = 2**32 - 1
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
            help="0 keeps the RGB image's own look, 1 takes the exemplar's.",
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


def seed_option(command: Command) -> Command:
    """Add ``--seed``."""
    text = "Random seed, for models that draw random numbers."
    return click.option(
        "--seed", type=click.IntRange(0, _LARGEST_SEED), default=0, show_default=True, metavar="N", help=text
    )(command)


def max_pixels_option(command: Command) -> Command:
    """Add ``--max-pixels``."""
    from ir_transfer.imaging.image_io import MAX_PIXELS

    text = "Refuse larger images before decoding them."
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


def root_option(command: Command) -> Command:
    """Add ``--root``."""
    text = "The data set's folder, which the card's paths begin at."
    return click.option("--root", type=click.Path(path_type=Path), required=True, metavar="DIR", help=text)(command)


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


def out_option(text: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``-o``: a path or a URL."""
    return click.option("-o", "--out", type=Place(), metavar="PATH|URL", help=text)
