"""Flags for where and how fast a command computes: device, threads, batches, a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ir_transfer.cli.option_types import AUTO_OR_COUNT
from ir_transfer.cli.options import Command


def device_option(command: Command) -> Command:
    """Add ``--device``."""
    text = "auto, cpu, cuda or cuda:N; auto takes CUDA where there is one."
    return click.option("--device", default="auto", show_default=True, metavar="DEVICE", help=text)(command)


def threads_option(command: Command) -> Command:
    """Add ``--threads``."""
    text = "Threads that compute on a CPU.  [default: all cores]"
    return click.option("--threads", type=click.IntRange(min=1), metavar="N", help=text)(command)


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
            type=AUTO_OR_COUNT,
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


def refuse_unused_engine_options(given: Mapping[str, Any]) -> None:
    """Raise a usage error for options of the Ray engine where another is used."""
    if given["engine"] == "ray":
        return
    for name in ("address", "ray_workers"):
        if given[name] is not None:
            raise click.UsageError(f"expected --engine ray with --{name.replace('_', '-')}, got --engine local")
