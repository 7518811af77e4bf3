"""``ir-transfer evaluate``: measure models beside the baselines on registered pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.detect import with_detect_task
from ir_transfer.cli.eta import Eta
from ir_transfer.cli.execution_options import device_option
from ir_transfer.cli.options import data_set_options, exemplar_polarity_option, exemplar_range_option, tracking_options
from ir_transfer.cli.path_checks import check_exists, check_fresh, check_policies, check_vgg
from ir_transfer.cli.result import give_result
from ir_transfer.cli.stored_weights import local_weights
from ir_transfer.cli.track import track

if TYPE_CHECKING:
    from rich.console import Console

    from ir_transfer.evaluation.comparison import Comparison
    from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
    from ir_transfer.imaging.exemplars.range import AskedRange

FILES = ("report.html", "results.json", "table.csv", "sheet.png")
"""What an evaluation writes."""


@click.command()
@with_detect_task
@click.option(
    "--data", "root", type=click.Path(path_type=Path), required=True, help="Folder with rgb/ and ir/, or with a split."
)
@data_set_options
@click.option(
    "--exemplar",
    "exemplars",
    metavar="POLICY",
    required=True,
    multiple=True,
    help="FILE or fixed:FILE (the same for every scene; of several the mean), nearest:FOLDER, or oracle (own truth).",
)
@exemplar_polarity_option
@exemplar_range_option
@click.option("--protocol", metavar="NAME|FILE", help="What else is fixed: paired-lwir, paired-nir, or a .yaml file.")
@click.option(
    "--models",
    default="adain,wct2",
    show_default=True,
    help="Comma-separated names (see models); options go behind: gatys:steps=50.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="MODEL=FILE|URI",
    help="Weights of a model, also models:/NAME@ALIAS; a row for each one given.",
)
@click.option(
    "--vgg", help="VGG of the feature distances: a .safetensors file, or 'torchvision' (downloads on first use)."
)
@click.option("--lpips", type=click.Path(path_type=Path), help="LPIPS weights alex.pth or vgg.pth; nothing downloads.")
@click.option("--boxes", type=click.Path(path_type=Path), help="Folder of VOC .xml files, or a .json, of objects.")
@click.option(
    "--masks", type=click.Path(path_type=Path), help="Folder of label .png files and labels.yaml (1: person)."
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Folder of soft class labels of the RGB images: RGBA .png files of a quarter of their size.",
)
@click.option(
    "--outputs",
    multiple=True,
    metavar="NAME=FOLDER",
    help="A row of results made elsewhere: gray images of the stems and sizes of the scenes.",
)
@click.option("--label", help="Only objects of this label.")
@click.option("--max-side", type=click.IntRange(64), help="Reduce larger images to this side, not the protocol's.")
@tracking_options
@device_option
@click.option("--cell-width", type=click.IntRange(64), default=400, show_default=True, help="Of the sheet, in pixels.")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("evaluation_out"), show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
def evaluate(
    *,
    root: Path,
    card: str | None,
    split: Path | None,
    part: str | None,
    exemplars: tuple[str, ...],
    exemplar_polarity: ExemplarPolarity,
    exemplar_range: AskedRange,
    protocol: str | None,
    models: str,
    weights: tuple[str, ...],
    vgg: str | None,
    lpips: Path | None,
    boxes: Path | None,
    masks: Path | None,
    labels: Path | None,
    outputs: tuple[str, ...],
    label: str | None,
    max_side: int | None,
    tracking_uri: str | None,
    tracking: bool,
    device: str,
    cell_width: int,
    out: Path,
    overwrite: bool,
) -> None:
    """Measure models on pairs (ROOT/rgb and ROOT/ir, same stems) with the same exemplar for every method.

    The baselines constant, gray, inverted, histogram and fda are always measured, and a model that is worse than one of
    them in a column is marked. OUT receives report.html, results.json, table.csv and sheet.png.
    Without --vgg the perceptual, style and distribution distances are left out.

    The figures and the report also go to MLflow (see ir-transfer review), linked to the trainings whose weights were
    measured; a store that does not answer costs a warning.

    --task detect measures detectors instead, which are trained on translated images of --data and find people and cars
    in real infrared images of other scenes. OUT receives detect.html, detect.json, detect.csv and detect.png.

    \b
    Examples:
      ir-transfer evaluate --data pairs --protocol paired-lwir --exemplar ir_ref.png --vgg torchvision -o results
      ir-transfer evaluate --data pairs/val --exemplar nearest:pairs/train --models adain --vgg vgg.safetensors
      ir-transfer evaluate --data LLVIP --card llvip --part test --exemplar nearest:LLVIP --vgg vgg.safetensors
      ir-transfer evaluate --data val --exemplar a.png --models adain --weights adain=a.st --weights adain=b.st
      ir-transfer evaluate --data val --exemplar a.png --labels labels/val --outputs other=results_of_other
      ir-transfer evaluate --task detect --data train --test val --boxes labels --exemplar a.png -o detected
    """
    check_exists(root, "the pairs", "check the path of --data")
    check_policies(exemplars)
    check_vgg(vgg)
    check_exists(split, "a split file", "make one with ir-transfer datasets split")
    for path, name in ((lpips, "lpips"), (boxes, "boxes"), (masks, "masks"), (labels, "labels")):
        check_exists(path, f"what --{name} names")
    check_fresh(out, FILES, overwrite=overwrite)
    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.evaluation.comparison import compare
    from ir_transfer.evaluation.methods import parse_weights
    from ir_transfer.evaluation.protocol import NONE, load_protocol
    from ir_transfer.evaluation.report import write_report
    from ir_transfer.evaluation.result_files import write_csv, write_json

    eta = Eta("scenes")
    names = [name.strip() for name in models.split(",") if name.strip()]
    files = {
        name: [local_weights(text, tracking_uri) for text in texts] for name, texts in parse_weights(weights).items()
    }
    comparison = compare(
        root,
        exemplars,
        names,
        files,
        card=card,
        split=split,
        part=part,
        protocol=load_protocol(protocol) if protocol else NONE,
        vgg=vgg,
        lpips=lpips,
        boxes=boxes,
        masks=masks,
        soft_labels=labels,
        outputs=outputs,
        label=label,
        max_side=max_side,
        exemplar_range=exemplar_range,
        device=str(pick_device(device)),
        exemplar_polarity=exemplar_polarity,
        on_start=eta.start,
        on_scene=eta.step,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_json(comparison, out / "results.json")
    write_csv(comparison, out / "table.csv")
    comparison.write_sheet(out / "sheet.png", cell_width)
    write_report(comparison, out / "report.html")
    _print_tables(comparison)
    give_result(json.loads((out / "results.json").read_text(encoding="utf-8")))
    for name in FILES:
        click.echo(out / name)
    if tracking:
        from ir_transfer.tracking.evaluation_log import log_comparison

        track(tracking_uri, lambda client: log_comparison(client, comparison, out.absolute().name))


def _print_tables(compared: Comparison) -> None:
    """Print the ranking, then a table for each group of columns: one of all would fit no terminal."""
    from ir_transfer.evaluation.columns import COLUMNS, GROUPS
    from ir_transfer.evaluation.ranking import LEGEND

    console = wide_console()
    console.print(compared.title, soft_wrap=True, markup=False)
    print_ranking(console, compared)
    for group, title in GROUPS.items():
        shown = [key for key in compared.columns if COLUMNS[key].group == group]
        if shown:
            _print_group(console, compared, title, shown)
    console.print(LEGEND, soft_wrap=True, markup=False)


def wide_console() -> Console:
    """Return a console for tables; a file or pipe is taken to be wide."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def print_ranking(console: Console, compared: Comparison) -> None:
    """Print the methods by their composite, with its aspects."""
    from rich.table import Table

    from ir_transfer.evaluation.bootstrap import format_score
    from ir_transfer.evaluation.ranking import aspects, composites, worse_than_baselines

    ranked, worse = composites(compared.results), worse_than_baselines(compared.results)
    if not ranked:
        return
    names = list(aspects(compared.results, next(iter(ranked))))
    table = Table("", "method", "composite ↑", *names, "columns worse than a baseline", title="Ranking")
    for place, (label, estimate) in enumerate(ranked.items(), 1):
        parts = aspects(compared.results, label)
        count = str(len(worse[label])) if label in worse else "(baseline)"
        shares = [f"{parts[name].value:.2f}" for name in names]
        table.add_row(str(place), label, format_score(estimate.score, 3), *shares, count)
    console.print(table)


def _print_group(console: Console, compared: Comparison, title: str, shown: list[str]) -> None:
    from rich.table import Table

    from ir_transfer.evaluation.bootstrap import format_score
    from ir_transfer.evaluation.columns import COLUMNS
    from ir_transfer.evaluation.ranking import worse_than_baselines

    found = worse_than_baselines(compared.results)
    table = Table("method", title=title)
    for key in shown:
        table.add_column(COLUMNS[key].heading(compared.column_name(key)).replace("[", r"\["), justify="right")
    for label, scores in compared.results.scores.items():
        cells = []
        for key in shown:
            worse = found.get(label, {}).get(key)
            text = f"{format_score(scores.get(key), COLUMNS[key].digits)} {worse.mark if worse else ''}".strip()
            cells.append(f"[red]{text}[/red]" if worse and worse.clear else text)
        table.add_row(label, *cells)
    console.print(table)
