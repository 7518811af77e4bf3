"""``ir-transfer benchmark``: speed and memory on this machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ir_transfer.cli.console import print_table
from ir_transfer.cli.execution_options import threads_option
from ir_transfer.cli.result import give_result, json_text

if TYPE_CHECKING:
    from ir_transfer.evaluation.benchmark.folder import FolderRun
    from ir_transfer.evaluation.benchmark.models import Measurement


@click.command()
@click.option(
    "--models",
    default="adain,adain:vgg19,wct2,wct2:vgg19",
    show_default=True,
    help="Comma-separated names; NAME:vgg19 is the paper's size, gatys:steps=20 sets an option.",
)
@click.option("--sizes", default="512", show_default=True, help="Comma-separated sides of the square images.")
@click.option("--precision", default="float32", show_default=True, help="Comma-separated: float32, bfloat16.")
@threads_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Timed rounds.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="Also measure peak memory.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Also write the table as JSON.")
@click.option("--folder", type=click.IntRange(1), metavar="N", help="Convert N rendered images of 640 x 512 instead.")
@click.option("--ray-workers", type=click.IntRange(1), metavar="N", help="With --folder: by a Ray cluster of N here.")
@click.option(
    "--data-loader",
    type=click.IntRange(4),
    metavar="N",
    help="Deliver N rendered images of 640 x 512 from a DataLoader with ToInfrared instead.",
)
@click.option("--loader-workers", metavar="N,...", help="With --data-loader: worker processes.  [default: 0,2]")
def benchmark(
    *,
    models: str,
    sizes: str,
    precision: str,
    threads: int | None,
    rounds: int,
    memory: bool,
    out: Path | None,
    folder: int | None,
    ray_workers: int | None,
    data_loader: int | None,
    loader_workers: str | None,
) -> None:
    """Time models on random weights, with the style prepared, beside the common implementations.

    Candidates take turns in every round, so that their ratios hold on a busy machine. The rows "common" are the
    full-size networks as they are usually run: the exemplar encoded for every image.

    With --folder, convert rendered images with the first of --models and report rate, peak memory and growth,
    and where the time went. With --data-loader, report the images a second that a torch DataLoader delivers with
    ir_transfer.transforms.ToInfrared, beside torchvision's Grayscale.

    \b
    Examples:
      ir-transfer benchmark
      ir-transfer benchmark --models adain --sizes 512,1024 --precision float32,bfloat16 --threads 2
      ir-transfer benchmark --models adain --folder 1000
      ir-transfer benchmark --models adain --folder 1000 --ray-workers 2 --threads 1
      ir-transfer benchmark --models adain,cin --data-loader 40 --loader-workers 0,2
    """
    names = [name.strip() for name in models.split(",")]
    _refuse_unused(folder, ray_workers, data_loader, loader_workers)
    if data_loader:
        _measure_loaders(data_loader, names, loader_workers or "0,2", threads, out)
        return
    if folder:
        from ir_transfer.evaluation.benchmark.folder import convert_folder

        run = convert_folder(folder, names[0], threads, ray_workers, lambda line: click.echo(line, err=True))
        give_result(
            {
                "images": run.images,
                "seconds": run.seconds,
                "peak_mb": run.peak_mb,
                "growth_mb": run.growth_mb,
                "times": run.times,
            }
        )
        _print_folder(run)
        return
    from ir_transfer.errors import InputError
    from ir_transfer.evaluation.benchmark.models import candidates, described_measurements, measure, write_measurements

    sides = [side.strip() for side in sizes.split(",")]
    if bad := [side for side in sides if not side.isdecimal() or int(side) < 64]:
        raise InputError(f"expected --sizes of at least 64 pixels, for example 512,1024, got {bad[0]!r}")
    asked = candidates(names, [int(side) for side in sides], [p.strip() for p in precision.split(",")])
    found = measure(
        asked, rounds=rounds, threads=threads, memory=memory, on_step=lambda line: click.echo(line, err=True)
    )
    give_result(described_measurements(found))
    _print_table(found)
    if out is not None:
        write_measurements(out, found)
        click.echo(click.format_filename(out))


def _refuse_unused(
    folder: int | None, ray_workers: int | None, data_loader: int | None, loader_workers: str | None
) -> None:
    context = click.get_current_context()
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    for name in ("sizes", "precision", "rounds", "memory", *(["out"] if folder else [])):
        if (folder or data_loader) and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"expected no {options[name]} with --folder or --data-loader: leave it out")
    if folder and data_loader:
        raise click.UsageError("expected --folder or --data-loader, got both: leave one out")
    if ray_workers and not folder:
        raise click.UsageError("expected --folder with --ray-workers, got none: add it, or leave --ray-workers out")
    if loader_workers and not data_loader:
        raise click.UsageError(
            "expected --data-loader with --loader-workers, got none: add it, or leave --loader-workers out"
        )


def _measure_loaders(count: int, models: list[str], workers: str, threads: int | None, out: Path | None) -> None:
    import torch

    from ir_transfer.evaluation.benchmark.loader import measure_loaders
    from ir_transfer.imaging.image_io import write_whole

    numbers = [text.strip() for text in workers.split(",")]
    if bad := [text for text in numbers if not text.isdecimal()]:
        raise click.UsageError(f"expected --loader-workers as numbers such as 0,2, got {bad[0]!r}")
    if threads:
        torch.set_num_threads(threads)  # of the process itself: each worker has one
    names = list(dict.fromkeys(name.partition(":")[0] for name in models))
    runs = measure_loaders(count, names, [int(text) for text in numbers], lambda line: click.echo(line, err=True))
    described = [{**dataclasses.asdict(run), "images_per_second": run.rate} for run in runs]
    give_result(described)
    if out is not None:
        write_whole(out, (json_text(described) + "\n").encode())
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
    click.echo(f"{run.images} images of 640 x 512 in {run.seconds:.1f} s: {run.images / run.seconds:.2f} a second")
    click.echo(f"peak {run.peak_mb:.0f} MiB, growth from the second to the last quarter {run.growth_mb:+.0f} MiB")
    click.echo(run.times)
