"""``ir-transfer benchmark``: speed and memory on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.options import threads_option

if TYPE_CHECKING:
    from ir_transfer.evaluation.benchmark import Measurement
    from ir_transfer.evaluation.folder_benchmark import FolderRun


@click.command()
@click.option(
    "--models",
    default="adain,adain:vgg19,wct2,wct2:vgg19",
    show_default=True,
    help="Comma-separated names; NAME:vgg19 is the paper's size, gatys:steps=20 sets an option.",
)
@click.option("--sizes", default="512", show_default=True, help="Comma-separated sides of the square pictures.")
@click.option("--precision", default="float32", show_default=True, help="Comma-separated: float32, bfloat16.")
@threads_option
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Timed rounds.")
@click.option("--memory/--no-memory", default=True, show_default=True, help="Also measure peak memory.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FILE", help="Also write the table as JSON.")
@click.option("--folder", type=click.IntRange(1), metavar="N", help="Convert N rendered pictures of 640 x 512 instead.")
@click.option("--ray-workers", type=click.IntRange(1), metavar="N", help="With --folder: by a Ray cluster of N here.")
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
) -> None:
    """Time models on random weights, with the style prepared, beside the common implementations.

    Candidates take turns in every round, so that their ratios hold on a busy machine. The rows "common" are the
    full-size networks as they are usually run: the exemplar encoded for every picture.

    With --folder, convert rendered pictures with the first of --models and report rate, peak memory and growth,
    and where the time went.

    \b
    Examples:
      ir-transfer benchmark
      ir-transfer benchmark --models adain --sizes 512,1024 --precision float32,bfloat16 --threads 2
      ir-transfer benchmark --models adain --folder 1000
      ir-transfer benchmark --models adain --folder 1000 --ray-workers 2 --threads 1
    """
    names = [name.strip() for name in models.split(",")]
    if folder:
        from ir_transfer.evaluation.folder_benchmark import convert_folder

        _print_folder(convert_folder(folder, names[0], threads, ray_workers, lambda line: click.echo(line, err=True)))
        return
    from ir_transfer.errors import InputError
    from ir_transfer.evaluation.benchmark import candidates, measure, write_measurements

    sides = [side.strip() for side in sizes.split(",")]
    if bad := [side for side in sides if not side.isdecimal() or int(side) < 64]:
        raise InputError(f"expected --sizes of at least 64 pixels, for example 512,1024, got {bad[0]!r}")
    asked = candidates(names, [int(side) for side in sides], [p.strip() for p in precision.split(",")])
    found = measure(
        asked, rounds=rounds, threads=threads, memory=memory, on_step=lambda line: click.echo(line, err=True)
    )
    _print_table(found)
    if out is not None:
        write_measurements(out, found)
        click.echo(click.format_filename(out))


def _print_table(measurements: list[Measurement]) -> None:
    import torch
    from rich.console import Console
    from rich.table import Table

    from ir_transfer.evaluation.benchmark import speedups

    table = Table(title=f"torch {torch.__version__}, {torch.get_num_threads()} threads, median seconds per picture")
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
    click.echo(
        f"{run.pictures} pictures of 640 x 512 in {run.seconds:.1f} s: {run.pictures / run.seconds:.2f} a second"
    )
    click.echo(f"peak {run.peak_mb:.0f} MiB, growth from the second to the last quarter {run.growth_mb:+.0f} MiB")
    click.echo(run.times)
