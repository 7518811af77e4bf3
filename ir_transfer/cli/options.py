"""Options that several commands share, each defined once."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ir_transfer.cli.option_types import EXEMPLAR_RANGE, KEY_VALUE, NUMBERS, PATH, PATH_OR_URL

_LARGEST_SEED = 2**32 - 1
Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def combined(*options: Decorator) -> Decorator:
    """Return the decorator that adds options in the order in which they are listed."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def style_option(several: str, *, required: bool = True) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--style``; the text describes the effect of several styles."""
    text = (
        "Style exemplar (an infrared image), folder of exemplars (blended into one style), saved style (.safetensors) "
        f"or preset (see ir-transfer styles). {several}"
    )
    kinds = "FILE|FOLDER|preset:NAME"
    return click.option("--style", "styles", multiple=True, required=required, metavar=kinds, help=text)


def exemplar_range_option(command: Command) -> Command:
    """Add ``--exemplar-range``."""
    text = (
        "Pixel values of exemplar files that map to black and white. auto: the 1st and 99.5th percentiles for files "
        "that use a small part of their value range (12 bits in 16, counts, centikelvin, Kelvin, Celsius), else full. "
        "percentile: these percentiles for every file. full: the value range of the file's type."
    )
    return click.option(
        "--exemplar-range",
        type=EXEMPLAR_RANGE,
        default="auto",
        show_default=True,
        metavar="auto|percentile|full|LO,HI",
        help=text,
    )(command)


def polarity_option(command: Command) -> Command:
    """Add ``--polarity``."""
    text = "Polarity of the results; they are inverted if the exemplar's differs.  [default: the exemplar's]"
    return click.option("--polarity", type=click.Choice(["white-hot", "black-hot"]), help=text)(command)


def exemplar_polarity_option(command: Command) -> Command:
    """Add ``--exemplar-polarity``."""
    text = (
        "Polarity of exemplar files. auto classifies each file and treats it as black-hot, with a warning, only if the "
        "classifier is confident; near-infrared is always white-hot."
    )
    kinds = click.Choice(["auto", "white-hot", "black-hot"])
    return click.option("--exemplar-polarity", type=kinds, default="auto", show_default=True, help=text)(command)


style_options = combined(
    style_option("Repeat it to blend styles.", required=False),
    click.option(
        "--style-weights", type=NUMBERS, metavar="0.7,0.3", help="Blending weight of each --style.  [default: equal]"
    ),
    click.option(
        "--strength",
        type=click.FloatRange(0, 1),
        metavar="0..1",
        default=1.0,
        show_default=True,
        help="Style strength: 0 gives the luma of the RGB image, 1 the full style.",
    ),
    polarity_option,
    exemplar_range_option,
    exemplar_polarity_option,
)
"""``--style``, ``--style-weights``, ``--strength``, ``--polarity``, and the options for reading exemplars."""


def model_option(command: Command) -> Command:
    """Add ``--model``."""
    text = "Model (see ir-transfer models).  [default: the model of the style or the weights, else adain]"
    return click.option("--model", metavar="NAME", help=text)(command)


def model_options_option(command: Command) -> Command:
    """Add ``--option``, a mapping named ``model_options``."""
    return click.option(
        "--option",
        "model_options",
        type=KEY_VALUE,
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda ctx, param, pairs: dict(pairs),
        help="Option of the model, such as steps=100 for gatys; an unknown KEY lists the valid ones. Repeatable.",
    )(command)


def weights_option(command: Command) -> Command:
    """Add ``--weights``."""
    text = (
        "Bundled weights (adain-nir, or nir for short), a .safetensors file, or a model in MLflow "
        "(models:/adain-lwir@champion, models:/adain-lwir/3, runs:/...).  [default: the weights of the style]"
    )
    return click.option("--weights", metavar="NAME|FILE|URI", help=text)(command)


def runtime_option(command: Command) -> Command:
    """Add ``--runtime``."""
    text = (
        "Library that runs the network; onnxruntime and openvino take an exported file as --weights (see ir-transfer "
        "export).  [default: by the type of the file]"
    )
    kinds = click.Choice(["torch", "onnxruntime", "openvino"])
    return click.option("--runtime", type=kinds, help=text)(command)


def seed_option(command: Command) -> Command:
    """Add ``--seed``."""
    text = "Seed of models and sensors that draw random numbers."
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
    return click.option("-v", "--verbose", is_flag=True, help="Print the progress in detail.")(command)


def tracking_uri_option(command: Command) -> Command:
    """Add ``--tracking-uri``."""
    text = "MLflow server or database.  [default: $MLFLOW_TRACKING_URI, else mlflow.db beside the runs]"
    return click.option("--tracking-uri", metavar="URI", help=text)(command)


def tracking_options(command: Command) -> Command:
    """Add ``--tracking-uri`` and ``--no-tracking``."""
    off = "Log nothing to MLflow."
    command = click.option("--no-tracking", "tracking", is_flag=True, default=True, flag_value=False, help=off)(command)
    return tracking_uri_option(command)


def root_option(command: Command) -> Command:
    """Add ``--root``."""
    text = "Root folder of the data set; the paths of the card are relative to it."
    return click.option("--root", type=PATH, required=True, metavar="DIR", help=text)(command)


data_set_options = combined(
    click.option(
        "--card",
        metavar="NAME|FILE",
        help="Data set card with the layout and polarity of --data (see ir-transfer datasets list), or its .yaml file.",
    ),
    click.option(
        "--split",
        type=PATH,
        metavar="FILE",
        help="Split written by ir-transfer datasets split.  [default: the splits of the card]",
    ),
    click.option(
        "--part",
        metavar="NAME",
        help="Subset of the split or card.  [default: val of a split; of a card the protocol's subset, else all]",
    ),
)
"""``--card``, ``--split`` and ``--part``: the layout of ``--data``, and the pairs that are used."""


def out_option(text: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``-o``, a path or a URL."""
    return click.option("-o", "--out", type=PATH_OR_URL, metavar="PATH|URL", help=text)


def overwrite_option(text: str) -> Callable[[Command], Command]:
    """Return the decorator that adds ``--overwrite``."""
    return click.option("--overwrite", is_flag=True, help=text)


REDO = "Convert inputs with an existing result again, and replace it."


def refuse_resume_with_overwrite(given: Mapping[str, Any]) -> None:
    """Raise a usage error if both ``--resume`` and ``--overwrite`` were given."""
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("expected --resume or --overwrite, got both: omit one")


def resume_option(command: Command) -> Command:
    """Add ``--resume``."""
    return click.option("--resume", is_flag=True, help="Continue an interrupted run; existing results are kept.")(
        command
    )
