"""``ir-transfer dataset generate``: conversion of a labelled RGB data set to infrared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import ProgressBar, print_error, print_interrupted, set_up_messages
from ir_transfer.cli.controls import heat_options, take_heat
from ir_transfer.cli.dataset.summary import ignored_clause, print_problems, print_summary
from ir_transfer.cli.execution_options import (
    device_option,
    engine_options,
    refuse_unused_engine_options,
    speed_options,
    threads_option,
)
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.option_types import RANGE, SHARD
from ir_transfer.cli.options import (
    REDO,
    exemplar_polarity_option,
    exemplar_range_option,
    max_pixels_option,
    model_option,
    model_options_option,
    out_option,
    overwrite_option,
    polarity_option,
    refuse_resume_with_overwrite,
    resume_option,
    seed_option,
    style_option,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import camera_options, output_fields, output_options, raster_options, size_options
from ir_transfer.cli.paths import check_exists, check_styles, check_weights, format_path, local_paths
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.tracking import local_weights
from ir_transfer.imaging.remote import is_url

if TYPE_CHECKING:
    from ir_transfer.dataset.options import DatasetOptions


@click.command(cls=SectionedCommand, short_help="Generate an infrared data set.")
@click.argument("source", metavar="RGB_SET")
@style_option("Repeatable; each image is converted in one of the styles, or in --variants of them.")
@out_option("Root folder of the new data set.  [default: RGB_SET_ir]")
@click.option(
    "--labels",
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help="Label format: coco, yolo, voc, kitti, masks, classification, images (no labels), or auto.",
)
@click.option(
    "--orientation",
    type=click.Choice(["auto", "stored", "upright"]),
    default="auto",
    show_default=True,
    help="Coordinate frame of the labels of images with an EXIF orientation: stored pixels or upright image; auto "
    "uses the image sizes stated in the labels. Results are written in the frame of their labels.",
)
@click.option(
    "--variants",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Results per image.",
)
@click.option(
    "--assign",
    type=click.Choice(["random", "round-robin", "nearest"]),
    default="random",
    show_default=True,
    help="How styles are assigned to images; nearest chooses the exemplars with the most similar content.",
)
@click.option(
    "--rule",
    "rule_texts",
    multiple=True,
    metavar="CONDITION=STYLE",
    help="Style of images that match CONDITION: day, night, or a path pattern such as 'night/*'. Repeatable.",
)
@click.option("--include-gray", is_flag=True, help="Also write the luma of every image.")
@click.option(
    "--flip-polarity",
    "flip_share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="0..1",
    help="Probability of writing a result in the opposite polarity.",
)
@click.option(
    "--strength",
    "strengths",
    type=RANGE,
    default="1",
    show_default=True,
    metavar="N|LOW..HIGH",
    help="Style strength: 0 gives the luma of the RGB image, 1 the full style; drawn per image from a range.",
)
@polarity_option
@exemplar_polarity_option
@exemplar_range_option
@raster_options
@heat_options
@model_option
@weights_option
@model_options_option
@output_options
@camera_options
@size_options
@device_option
@speed_options
@engine_options
@threads_option
@click.option("--shard", type=SHARD, metavar="I/N", help="Generate shard I of N; see ir-transfer dataset merge.")
@resume_option
@overwrite_option(REDO)
@click.option("--dry-run", is_flag=True, help="Print what would be converted, and convert nothing.")
@tracking_uri_option
@seed_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@max_pixels_option
@verbosity_options
def generate(*, tracking_uri: str | None, dry_run: bool, verbose: bool, quiet: bool, **given: Any) -> int:
    """Convert every image of a labelled data set to infrared, and write the labels for the results.

    RGB_SET is the root folder of a data set in COCO, YOLO, Pascal VOC or KITTI format, with index masks, with class
    folders, or without labels. OUT has the same layout and can be used for training directly. README.md there describes
    contents and settings, and manifest.jsonl the status and settings of each image.

    Unreadable images are recorded in the manifest; invalid labels are kept and reported. Exit code: 0 all converted,
    1 some images failed, 2 wrong usage or nothing to convert.

    \b
    Examples:
      Three styles for every image, and its luma:
        ir-transfer dataset coco/ --style a.png --style b.png --style c.png --variants 3 --include-gray -o coco_ir/
      A night style for night images, with hotter people:
        ir-transfer dataset yolo/ --style preset:lwir-road-day --rule night=preset:lwir-road-night \\
            --heat person=+0.2 -o yolo_ir/
      A quarter of the images, for a batch queue, and the merged data set:
        ir-transfer dataset coco/ --style a.png --shard 1/4 -o part1/
        ir-transfer dataset merge part1/ part2/ part3/ part4/ -o coco_ir/
    """
    refuse_resume_with_overwrite(given)
    refuse_unused_engine_options(given)
    set_up_messages(verbose=verbose, quiet=quiet)
    if not is_url(given["source"]):
        check_exists(Path(given["source"]), "the root folder of a data set")
    check_styles(given["styles"])
    check_weights(given["weights"])
    (given["source"],), given["out"] = local_paths((given["source"],), given["out"])
    given["weights"] = given["weights"] and local_weights(given["weights"], tracking_uri)
    options = _options(given)
    if dry_run:
        return _print_plan(options)
    from ir_transfer.dataset.generate import generate_dataset

    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = generate_dataset(options, progress)
    except KeyboardInterrupt:
        return print_interrupted()
    return print_summary(summary, quiet=quiet)


def _options(given: dict[str, Any]) -> DatasetOptions:
    from ir_transfer.conversion.options import Options
    from ir_transfer.dataset.options import DatasetOptions, parse_rules

    rules, styles = parse_rules(given.pop("rule_texts"), given.pop("styles"))
    heat = take_heat(given)
    own = {
        name: given.pop(name)
        for name in ("labels", "orientation", "variants", "assign", "include_gray", "flip_share", "strengths", "shard")
    }
    source = given.pop("source")
    conversion = Options(
        inputs=(str(source),),
        styles=styles,
        strength=own["strengths"][1],
        heat=heat,
        command=typed_command(),
        settings=used_settings(),
        **output_fields(given),
    )
    return DatasetOptions(conversion, rules=rules, **own)


def _print_plan(options: DatasetOptions) -> int:
    from ir_transfer.dataset.generate import prepare_dataset

    labelled, plan, choice = prepare_dataset(options)
    for job in plan.jobs:
        click.echo(f"{format_path(job.source)} -> {format_path(plan.out / job.output)}")
    for entry in plan.refused:
        print_error(str(entry.error))
    problems = [f"{one.file}: {one.message}" for one in labelled.problems]
    print_problems(problems)
    give_result(
        {
            "out": plan.out,
            "kind": labelled.kind,
            "model": choice.model,
            "weights": choice.weights,
            "would_make": [{"input": job.source, "output": plan.out / job.output} for job in plan.jobs],
            "errors": [entry.error for entry in plan.refused],
            "problems": problems,
        }
    )
    click.echo(
        f"would write {len(plan.jobs)} images for {len(labelled.images)} of a {labelled.kind} data set, refuse "
        f"{len(plan.refused)}, with model {choice.model}, weights {choice.weights}, into {format_path(plan.out)}"
        f"{ignored_clause(plan)}"
    )
    return 1 if plan.refused else 0
