"""``ir-transfer evaluate``: measure models beside the baselines on registered pairs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.options import device_option

if TYPE_CHECKING:
    from ir_transfer.evaluation.comparison import Comparison


@click.command()
@click.option("--data", "root", type=click.Path(path_type=Path), required=True, help="Folder with rgb/ and ir/.")
@click.option(
    "--exemplar",
    "exemplars",
    type=click.Path(path_type=Path),
    required=True,
    multiple=True,
    help="White-hot infrared picture that every method gets; with several, figures are means over them.",
)
@click.option("--models", default="adain,wct2", show_default=True, help="Comma-separated names (see models).")
@click.option("--weights", multiple=True, metavar="MODEL=FILE", help="Weights of a model; a row for each one given.")
@click.option("--vgg", help="VGG that judges: a .safetensors file, or 'torchvision' (downloads on first use).")
@click.option("--boxes", type=click.Path(path_type=Path), help="Folder of VOC .xml files, or a .json, of objects.")
@click.option("--label", help="Only objects of this label.")
@click.option("--max-side", type=click.IntRange(64), help="Reduce larger pictures to this side.")
@device_option
@click.option("--cell-width", type=click.IntRange(64), default=400, show_default=True, help="Of the sheet, in pixels.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("evaluation_out"), show_default=True)
def evaluate(
    *,
    root: Path,
    exemplars: tuple[Path, ...],
    models: str,
    weights: tuple[str, ...],
    vgg: str | None,
    boxes: Path | None,
    label: str | None,
    max_side: int | None,
    device: str,
    cell_width: int,
    out: Path,
) -> None:
    """Measure models on pairs (ROOT/rgb and ROOT/ir, same stems) with the same exemplar for every method.

    The rows constant, gray, inverted and histogram are always there. OUT receives results.json and sheet.png.
    Without --vgg the perceptual and the distribution distances are left out.

    \b
    Examples:
      ir-transfer evaluate --data pairs/val --exemplar ir_ref.png --vgg torchvision -o results
      ir-transfer evaluate --data pairs/val --exemplar ir_ref.png --models adain,wct2,fda --vgg vgg.safetensors
      ir-transfer evaluate --data val --exemplar a.png --models adain --weights adain=a.st --weights adain=b.st
    """
    from ir_transfer.conversion.translate import pick_device
    from ir_transfer.evaluation.comparison import compare, parse_weights

    names = [name.strip() for name in models.split(",") if name.strip()]
    comparison = compare(
        root,
        exemplars,
        names,
        parse_weights(weights),
        vgg=vgg,
        boxes=boxes,
        label=label,
        max_side=max_side,
        device=str(pick_device(device)),
        on_scene=lambda stem: click.echo(f"  {stem}", err=True),
    )
    comparison.write(out, cell_width)
    _print_table(comparison)
    click.echo(f"results: {out / 'results.json'}\nsheet:   {out / 'sheet.png'}")


def _print_table(comparison: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=240)
    results = comparison.results
    shown = comparison.metrics
    table = Table(title=comparison.title, caption="mean ± half of the 95% interval over scenes")
    table.add_column("method")
    for metric in shown:
        table.add_column(metric.replace("_", " "), justify="right")
    for method, scores in results.scores.items():
        cells = []
        for metric in shown:
            score = scores.get(metric)
            digits = 2 if metric in {"psnr", "hot_region_share", "object_heat", "polarity"} else 3
            spread = (score.high - score.low) / 2 if score else 0
            cells.append(
                "" if score is None else f"{score.mean:.{digits}f}" + (f" ±{spread:.{digits}f}" if spread else "")
            )
        table.add_row(method, *cells)
    console.print(table)
