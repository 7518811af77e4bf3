"""``ir-transfer dataset generate``: a labelled RGB set becomes an infrared one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, print_error, set_up_messages
from ir_transfer.cli.dataset.summary import ignored_clause, print_problems, print_summary
from ir_transfer.cli.execution_options import (
    device_option,
    engine_options,
    refuse_unused_engine_options,
    speed_options,
    threads_option,
)
from ir_transfer.cli.heat import heat_options, take_heat
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.option_types import Range, Shard
from ir_transfer.cli.options import (
    exemplar_polarity_option,
    exemplar_range_option,
    max_pixels_option,
    model_option,
    out_option,
    polarity_option,
    run_options_option,
    seed_option,
    style_option,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import camera_options, output_fields, output_options, raster_options, size_options
from ir_transfer.cli.path_checks import check_exists, check_styles, check_weights
from ir_transfer.cli.paths import format_path, local_paths
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.stored_weights import fetched
from ir_transfer.imaging.remote import is_url

if TYPE_CHECKING:
    from ir_transfer.dataset.options import DatasetOptions


@click.command(cls=SectionedCommand, short_help="Make an infrared data set.")
@click.argument("source", metavar="RGB_SET")
@style_option("Several are alternatives: every image gets one of them, or as many as --variants asks for.")
@out_option("Root of the new set.  [default: RGB_SET_ir]")
@click.option(
    "--labels",
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help="coco, yolo, voc, kitti, masks, classification, images (no labels), or auto.",
)
@click.option(
    "--orientation",
    type=click.Choice(["auto", "stored", "upright"]),
    default="auto",
    show_default=True,
    help="Frame of the labels of images that EXIF turns: of the stored pixels or of the upright image; auto goes by "
    "the sizes that labels state. Results have the frame of their labels.",
)
@click.option(
    "--variants", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Results of each image."
)
@click.option(
    "--assign",
    type=click.Choice(["random", "round-robin", "nearest"]),
    default="random",
    show_default=True,
    help="How images get their styles; nearest takes the exemplars whose contents are most alike.",
)
@click.option(
    "--rule",
    "rule_texts",
    multiple=True,
    metavar="CONDITION=STYLE",
    help="Style of images that are day, night, or match a pattern such as 'night/*'. May be repeated.",
)
@click.option("--include-gray", is_flag=True, help="Also write the plain luma of every image.")
@click.option(
    "--flip-polarity",
    "flip_share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="0..1",
    help="Share of the results in the other polarity, by chance.",
)
@click.option(
    "--strength",
    "strengths",
    type=Range(),
    default="1",
    show_default=True,
    metavar="N|LOW..HIGH",
    help="0 keeps the RGB image's own look, 1 takes the exemplar's; a range is drawn from.",
)
@polarity_option
@exemplar_polarity_option
@exemplar_range_option
@raster_options
@heat_options
@model_option
@weights_option
@run_options_option
@output_options
@camera_options
@size_options
@device_option
@speed_options
@engine_options
@threads_option
@click.option("--shard", type=Shard(), metavar="I/N", help="Make part I of N; see ir-transfer dataset merge.")
@click.option("--resume", is_flag=True, help="Go on with what an interrupted run left.")
@click.option("--overwrite", is_flag=True, help="Make existing results again.")
@click.option("--dry-run", is_flag=True, help="Say what would be made, and do nothing.")
@tracking_uri_option
@seed_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@max_pixels_option
@verbosity_options
def generate(*, tracking_uri: str | None, dry_run: bool, verbose: bool, quiet: bool, **given: Any) -> int:
    """Translate every image of a labelled set and write its labels beside the results.

    RGB_SET is the root of a COCO, YOLO, Pascal VOC or KITTI set, of images with index masks, of class folders, or a
    plain folder of images. OUT has the same layout and can be trained on as it is. README.md there says what it
    holds and how it was made, manifest.jsonl the same for each image.

    An image that cannot be read costs its line in the manifest; a label that is wrong is kept and told.
    Exit code: 0 all done, 1 some images failed, 2 wrong usage or nothing to do.

    \b
    Examples:
      Three looks for every image, and the plain luma:
        ir-transfer dataset coco/ --style a.png --style b.png --style c.png --variants 3 --include-gray -o coco_ir/
      Night images in a night look, people hotter than the network makes them:
        ir-transfer dataset yolo/ --style preset:lwir-road-day --rule night=preset:lwir-road-night \\
            --heat person=+0.2 -o yolo_ir/
      A quarter of the work, for a batch queue, and the whole from its parts:
        ir-transfer dataset coco/ --style a.png --shard 1/4 -o part1/
        ir-transfer dataset merge part1/ part2/ part3/ part4/ -o coco_ir/
    """
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("expected --resume or --overwrite, got both: leave one out")
    refuse_unused_engine_options(given)
    set_up_messages(verbose=verbose, quiet=quiet)
    warnings.filterwarnings("ignore", module="PIL")  # of damage that is harmless or that we report ourselves
    if not is_url(given["source"]):
        check_exists(Path(given["source"]), "a folder with a labelled set")
    check_styles(given["styles"])
    check_weights(given["weights"])
    (given["source"],), given["out"] = local_paths((given["source"],), given["out"])
    found = fetched(given["weights"], tracking_uri)
    options = _options(given if found is None else {**given, "weights": str(found.weights.path)})
    if dry_run:
        return _print_plan(options)
    from ir_transfer.dataset.generate import generate_dataset

    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = generate_dataset(options, progress)
    except KeyboardInterrupt:
        click.echo("Interrupted: what is done is kept, go on with --resume", err=True)
        return INTERRUPTED
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
        f"would make {len(plan.jobs)} images of {len(labelled.images)} in a {labelled.kind} set, refuse "
        f"{len(plan.refused)}, with model {choice.model}, weights {choice.weights}, into {format_path(plan.out)}"
        f"{ignored_clause(plan)}"
    )
    return 1 if plan.refused else 0
