"""Flags that several commands share, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_LARGEST_SEED = 2**32 - 1
Command = TypeVar("Command", bound=Callable[..., Any])


class NumberList(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between, such as ``0.7,0.3``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"expected numbers with commas between, such as 0.7,0.3, got {value!r}", param, ctx)


def model_option(command: Command) -> Command:
    """Add ``--model``."""
    return click.option("--model", metavar="NAME", help="Model; see ir-transfer models.  [default: adain]")(command)


def weights_option(command: Command) -> Command:
    """Add ``--weights``."""
    text = "Shipped weights (adain-nir, or nir for short) or a .safetensors file.  [default: what the style asks for]"
    return click.option("--weights", metavar="NAME|FILE", help=text)(command)


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


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def verbosity_options(command: Command) -> Command:
    """Add ``-v`` and ``-q``."""
    command = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(command)
    return click.option("-v", "--verbose", is_flag=True, help="Say what is done.")(command)


def tracking_options(command: Command) -> Command:
    """Add ``--tracking-uri`` and ``--no-tracking``."""
    off = "Tell MLflow nothing."
    command = click.option("--no-tracking", "tracking", is_flag=True, default=True, flag_value=False, help=off)(command)
    text = "MLflow server or database.  [default: $MLFLOW_TRACKING_URI, else mlflow.db beside the runs]"
    return click.option("--tracking-uri", metavar="URI", help=text)(command)
