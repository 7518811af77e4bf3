"""``ir-transfer evaluate``: models and baselines measured on registered pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import Eta
from ir_transfer.cli.detect import with_detect_task
from ir_transfer.cli.execution_options import device_option
from ir_transfer.cli.option_types import NAMES, PATH
from ir_transfer.cli.options import (
    data_set_options,
    exemplar_polarity_option,
    exemplar_range_option,
    overwrite_option,
    tracking_options,
)
from ir_transfer.cli.paths import check_exists, check_fresh, check_policies, check_vgg
from ir_transfer.cli.result import give_result
from ir_transfer.cli.tracking import check_tracking, local_weights, track

if TYPE_CHECKING:
    from rich.console import Console

    from ir_transfer.evaluation.comparison import Comparison

FILES = ("report.html", "results.json", "table.csv", "sheet.png")
"""Files of an evaluation."""


@click.command
@with_detect_task
@click.option(
    "--data",
    "root",
    type=PATH,
    required=True,
    metavar="ROOT",
    help="Folder of the pairs: rgb/ and ir/ with the same stems, or the layout of --card.",
)
@data_set_options
@click.option(
    "--exemplar",
    "exemplars",
    metavar="POLICY",
    required=True,
    multiple=True,
    help="Style exemplar of each scene: FILE or fixed:FILE (the same for all; repeatable, scores are averaged), "
    "nearest:FOLDER (the most similar in a folder), or oracle (the ground truth of the scene).",
)
@exemplar_polarity_option
@exemplar_range_option
@click.option("--protocol", metavar="NAME|FILE", help="Evaluation protocol: paired-lwir, paired-nir, or a .yaml file.")
@click.option(
    "--models",
    type=NAMES,
    metavar="NAME,...",
    default="adain,wct2",
    show_default=True,
    help="Models (see ir-transfer models); NAME:KEY=VALUE sets an option, such as gatys:steps=50.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="MODEL=FILE|URI",
    help="Weights of a model, also models:/NAME@ALIAS; one row for each.",
)
@click.option(
    "--vgg",
    metavar="FILE|torchvision",
    help="VGG for feature distances: a .safetensors file, or torchvision (downloaded on first use).",
)
@click.option("--lpips", type=PATH, metavar="FILE", help="LPIPS weights alex.pth or vgg.pth (not downloaded).")
@click.option(
    "--boxes", type=PATH, metavar="FILE|FOLDER", help="Object boxes: folder of VOC .xml files, or .json file."
)
@click.option(
    "--masks", type=PATH, metavar="FOLDER", help="Folder of index masks (.png) and labels.yaml (such as 1: person)."
)
@click.option(
    "--labels",
    type=PATH,
    metavar="FOLDER",
    help="Folder of soft class labels of the RGB images: RGBA .png files at a quarter of the image size. People or "
    "vehicles in --boxes or --masks replace theirs.",
)
@click.option(
    "--outputs",
    multiple=True,
    metavar="NAME=FOLDER",
    help="Row for results of another program: grayscale images with the stems and sizes of the scenes.",
)
@click.option("--label", metavar="NAME", help="Measure only objects with this label.")
@click.option(
    "--max-side",
    type=click.IntRange(64),
    metavar="N",
    help="Downscale larger images.  [default: that of the protocol]",
)
@tracking_options
@device_option
@click.option(
    "--cell-width",
    type=click.IntRange(64),
    default=400,
    show_default=True,
    metavar="N",
    help="Cell width of the sheet, in pixels.",
)
@click.option("-o", "--out", type=PATH, default=Path("evaluation_out"), show_default=True)
@overwrite_option("Replace existing results.")
def evaluate(
    *,
    root: Path,
    exemplars: tuple[str, ...],
    models: tuple[str, ...],
    weights: tuple[str, ...],
    protocol: str | None,
    tracking_uri: str | None,
    tracking: bool,
    device: str,
    cell_width: int,
    out: Path,
    overwrite: bool,
    **given: Any,
) -> None:
    """Evaluate models on registered RGB-infrared pairs, with the same exemplars for every method.

    The baselines constant, gray, inverted, histogram and fda are always included; values worse than a baseline are
    marked. OUT receives report.html, results.json, table.csv and sheet.png. Without --vgg, perceptual, style and
    distribution distances are omitted.

    Metrics and report are also logged to MLflow (see ir-transfer review), linked to the training runs of the weights.
    If the store cannot be reached, a warning is printed.

    --task detect instead trains detectors on translated images of --data and tests how well they find people and cars
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
    check_vgg(given["vgg"])
    check_exists(given["split"], "a split file", "make one with ir-transfer datasets split")
    for name in ("lpips", "boxes", "masks", "labels"):
        check_exists(given[name], f"the path of --{name}")
    for text in given["outputs"]:
        _, sign, place = text.partition("=")
        check_exists(Path(place) if sign else None, "the results of --outputs")
    check_fresh(out, FILES, overwrite=overwrite)
    if tracking:
        check_tracking(tracking_uri)
    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.evaluation.comparison import compare
    from ir_transfer.evaluation.methods import parse_weights
    from ir_transfer.evaluation.protocol import NONE, load_protocol
    from ir_transfer.evaluation.report import write_report
    from ir_transfer.evaluation.result_files import write_csv, write_json

    eta = Eta("scenes")
    files = {
        name: [local_weights(text, tracking_uri) for text in texts] for name, texts in parse_weights(weights).items()
    }
    comparison = compare(
        root,
        exemplars,
        models,
        files,
        protocol=load_protocol(protocol) if protocol else NONE,
        soft_labels=given.pop("labels"),
        device=str(pick_device(device)),
        **given,
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
    """Print the ranking, then a table for each group of metrics, since a single table would be too wide."""
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
    """Return a console for tables, 160 columns wide if the output is a file or pipe."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def print_ranking(console: Console, compared: Comparison) -> None:
    """Print the methods ordered by composite score, with the aspects of the score."""
    from rich.table import Table

    from ir_transfer.evaluation.bootstrap import format_score
    from ir_transfer.evaluation.ranking import aspects, composites, worse_than_baselines

    ranked, worse = composites(compared.results), worse_than_baselines(compared.results)
    if not ranked:
        return
    names = list(aspects(compared.results, next(iter(ranked))))
    table = Table("", "method", "composite ↑", *names, "metrics worse than a baseline", title="Ranking")
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
