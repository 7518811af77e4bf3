"""``ir-transfer benchmark``: speed and memory of models on this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ir_transfer.cli.console import print_table
from ir_transfer.cli.execution_options import threads_option
from ir_transfer.cli.option_types import COUNTS, NAMES, PATH, SIDES
from ir_transfer.cli.result import give_result
from ir_transfer.json_files import json_text

if TYPE_CHECKING:
    from ir_transfer.evaluation.benchmark.folder import FolderRun
    from ir_transfer.evaluation.benchmark.models import Measurement


@click.command
@click.option(
    "--models",
    type=NAMES,
    metavar="NAME,...",
    default="adain,adain:vgg19,wct2,wct2:vgg19",
    show_default=True,
    help="Models; NAME:vgg19 selects the paper's size, NAME:KEY=VALUE sets an option, such as gatys:steps=20.",
)
@click.option("--sizes", type=SIDES, metavar="N,...", default="512", show_default=True, help="Image sides, in pixels.")
@click.option(
    "--precision", type=NAMES, metavar="NAME,...", default="float32", show_default=True, help="float32, bfloat16."
)
@threads_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Number of timed rounds.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="Also measure peak memory.")
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Also write the results to this JSON file.")
@click.option(
    "--folder", type=click.IntRange(1), metavar="N", help="Instead, convert a folder of N rendered images of 640 x 512."
)
@click.option(
    "--ray-workers", type=click.IntRange(1), metavar="N", help="With --folder: N workers of a local Ray cluster."
)
@click.option(
    "--data-loader",
    type=click.IntRange(4),
    metavar="N",
    help="Instead, load N rendered images of 640 x 512 with a DataLoader and ToInfrared.",
)
@click.option(
    "--loader-workers", type=COUNTS, metavar="N,...", help="With --data-loader: worker processes.  [default: 0,2]"
)
def benchmark(
    *,
    models: tuple[str, ...],
    sizes: list[int],
    precision: tuple[str, ...],
    threads: int | None,
    rounds: int,
    memory: bool,
    out: Path | None,
    folder: int | None,
    ray_workers: int | None,
    data_loader: int | None,
    loader_workers: list[int] | None,
) -> None:
    """Measure the speed of models with random weights and a prepared style, next to common implementations.

    Models are timed alternately in every round, so that their ratios are reliable on a busy machine. Rows "common" are
    full-size networks in the usual implementation, which encodes the exemplar for every image.

    With --folder, convert rendered images with the first of --models, and report images per second, peak memory, memory
    growth and the time of each stage. With --data-loader, report the images per second of a torch DataLoader with
    ir_transfer.transforms.ToInfrared and with torchvision's Grayscale.

    \b
    Examples:
      ir-transfer benchmark
      ir-transfer benchmark --models adain --sizes 512,1024 --precision float32,bfloat16 --threads 2
      ir-transfer benchmark --models adain --folder 1000
      ir-transfer benchmark --models adain --folder 1000 --ray-workers 2 --threads 1
      ir-transfer benchmark --models adain,cin --data-loader 40 --loader-workers 0,2
    """
    _refuse_unused(folder, ray_workers, data_loader, loader_workers)
    if data_loader:
        _measure_loaders(data_loader, models, loader_workers or [0, 2], threads, out)
        return
    if folder:
        from ir_transfer.evaluation.benchmark.folder import convert_folder

        run = convert_folder(folder, models[0], threads, ray_workers, lambda line: click.echo(line, err=True))
        give_result({key: getattr(run, key) for key in ("images", "seconds", "peak_mb", "growth_mb", "times")})
        _print_folder(run)
        return
    from ir_transfer.evaluation.benchmark.models import candidates, described_measurements, measure, write_measurements

    asked = candidates(models, sizes, precision)
    found = measure(
        asked, rounds=rounds, threads=threads, memory=memory, on_step=lambda line: click.echo(line, err=True)
    )
    give_result(described_measurements(found))
    _print_table(found)
    if out is not None:
        write_measurements(out, found)
        click.echo(click.format_filename(out))


def _refuse_unused(
    folder: int | None, ray_workers: int | None, data_loader: int | None, loader_workers: list[int] | None
) -> None:
    context = click.get_current_context()
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    for name in ("sizes", "precision", "rounds", "memory", *(["out"] if folder else [])):
        if (folder or data_loader) and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"expected no {options[name]} with --folder or --data-loader: omit it")
    if folder and data_loader:
        raise click.UsageError("expected --folder or --data-loader, got both: omit one")
    if ray_workers and not folder:
        raise click.UsageError("expected --folder with --ray-workers, got none: add it, or leave --ray-workers out")
    if loader_workers and not data_loader:
        raise click.UsageError(
            "expected --data-loader with --loader-workers, got none: add it, or leave --loader-workers out"
        )


def _measure_loaders(
    count: int, models: Sequence[str], workers: list[int], threads: int | None, out: Path | None
) -> None:
    import torch

    from ir_transfer.evaluation.benchmark.loader import measure_loaders
    from ir_transfer.imaging.image_io import write_whole

    if threads:
        torch.set_num_threads(threads)  # of the main process; a worker process has one thread
    names = list(dict.fromkeys(name.partition(":")[0] for name in models))
    runs = measure_loaders(count, names, workers, lambda line: click.echo(line, err=True))
    described = [{**dataclasses.asdict(run), "images_per_second": run.rate} for run in runs]
    give_result(described)
    if out is not None:
        write_whole(out, (json_text(described, indent=2) + "\n").encode())
    rows = [[run.transform, str(run.workers), f"{run.rate:.1f}", f"{run.seconds:.2f}"] for run in runs]
    print_table(["transform", "workers", "images/s", "seconds"], rows)


def _print_table(measurements: list[Measurement]) -> None:
    import torch
    from rich.console import Console
    from rich.table import Table

    from ir_transfer.evaluation.benchmark.models import speedups

    table = Table(title=f"torch {torch.__version__}, {torch.get_num_threads()} threads, median seconds per image")
    for heading in ("model", "size", "precision", "seconds", "fastest", "x common", "peak MiB", "parameters M"):
        table.add_column(heading, justify="left" if heading in {"model", "precision"} else "right")
    for found, ratio in zip(measurements, speedups(measurements), strict=True):
        candidate = found.candidate
        table.add_row(
            candidate.label,
            str(candidate.side),
            candidate.precision,
            f"{found.seconds:.3f}",
            f"{found.fastest:.3f}",
            f"{ratio:.1f}" if ratio else "",
            f"{found.peak_mb:.0f}" if found.peak_mb else "",
            f"{found.parameters / 1e6:.2f}",
        )
    console = Console()
    (console if console.is_terminal else Console(width=120)).print(table)


def _print_folder(run: FolderRun) -> None:
    for tenth in range(10) if len(run.samples) >= 10 else ():
        seconds, memory = run.samples[tenth * len(run.samples) // 10]
        click.echo(f"{seconds:8.1f} s  {memory:7.0f} MiB")
    click.echo(f"{run.images} images of 640 x 512 in {run.seconds:.1f} s: {run.images / run.seconds:.2f} per second")
    click.echo(f"peak {run.peak_mb:.0f} MiB, growth from the second to the last quarter {run.growth_mb:+.0f} MiB")
    click.echo(run.times)
