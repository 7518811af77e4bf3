"""Options for where and how a command computes: device, threads, batches, a Ray cluster."""

from collections.abc import Mapping
from typing import Any

import click

from ir_transfer.cli.option_types import AUTO_OR_COUNT
from ir_transfer.cli.options import Command, combined


def device_option(command: Command) -> Command:
    """Add ``--device``."""
    text = "auto, cpu, cuda or cuda:N; auto uses CUDA if it is available."
    return click.option("--device", default="auto", show_default=True, metavar="DEVICE", help=text)(command)


def threads_option(command: Command) -> Command:
    """Add ``--threads``."""
    text = "Number of CPU threads for computation.  [default: all cores]"
    return click.option("--threads", type=click.IntRange(min=1), metavar="N", help=text)(command)


speed_options = combined(
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
        help="bfloat16 is less precise, but faster if the hardware supports it.",
    ),
    click.option(
        "--batch-size",
        type=AUTO_OR_COUNT,
        default="auto",
        show_default=True,
        metavar="auto|N",
        help="Largest batch on CUDA; images of one size are processed in batches of 16, 8, 4, 2 or 1. Results may "
        "differ by rounding between batch sizes. A CPU always uses batches of 1.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Number of reader threads and of writer threads.  [default: number of cores, at most 4 on a CPU]",
    ),
)
"""``--precision``, ``--batch-size`` and ``--workers``."""

engine_options = combined(
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="ray distributes the work over a cluster whose machines share the file system (extra ray).",
    ),
    click.option(
        "--address",
        metavar="HOST:PORT|auto",
        help="Address of the Ray cluster.  [default: start one on this machine for this run]",
    ),
    click.option(
        "--ray-workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Number of Ray workers.  [default: one per GPU, else one per machine]",
    ),
)
"""``--engine``, ``--address`` and ``--ray-workers``."""


def refuse_unused_engine_options(given: Mapping[str, Any]) -> None:
    """Raise a usage error for options of the Ray engine with another engine."""
    if given["engine"] == "ray":
        return
    for name in ("address", "ray_workers"):
        if given[name] is not None:
            raise click.UsageError(f"expected --engine ray with --{name.replace('_', '-')}, got --engine local")
