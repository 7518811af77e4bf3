"""``ir-transfer dataset``: a labelled RGB set becomes an infrared one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, print_error, set_up_messages
from ir_transfer.cli.heat import heat_options, take_heat
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.option_types import Range, Shard
from ir_transfer.cli.options import (
    camera_options,
    device_option,
    engine_options,
    exemplar_polarity_option,
    exemplar_range_option,
    fetched,
    local_places,
    max_pixels_option,
    model_option,
    out_option,
    output_fields,
    output_options,
    polarity_option,
    raster_options,
    refuse_idle_engine_options,
    run_options_option,
    seed_option,
    shown,
    size_options,
    speed_options,
    style_option,
    threads_option,
    tracking_uri_option,
    typed_command,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.path_checks import check_exists, check_styles, check_weights
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import used_settings
from ir_transfer.data.picture_names import ignored_text
from ir_transfer.data.remote import is_url

if TYPE_CHECKING:
    from ir_transfer.conversion.dataset.options import DatasetOptions, DatasetSummary
    from ir_transfer.conversion.plan import Plan

_SHOWN = 10


class _DefaultsToGenerate(click.Group):
    """Takes what is no sub-command to be a data set."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["generate", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["generate", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_DefaultsToGenerate, no_args_is_help=True, short_help="Make an infrared data set of an RGB one.")
def dataset() -> None:
    """Turn a labelled RGB set into an infrared one of the same format, whose labels lie on the same pixels.

    ir-transfer dataset RGB_SET --style ... is short for ir-transfer dataset generate RGB_SET --style ...

    \b
    Examples:
      ir-transfer dataset coco/ --style preset:lwir-road-day -o coco_ir/
      ir-transfer dataset generate --help
      ir-transfer dataset verify coco_ir/
    """


@dataset.command(cls=SectionedCommand, short_help="Make an infrared data set.")
@click.argument("source", metavar="RGB_SET")
@style_option("Several are alternatives: every picture gets one of them, or as many as --variants asks for.")
@out_option("Root of the new set.  [default: RGB_SET_ir]")
@click.option(
    "--labels",
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help="coco, yolo, voc, kitti, masks, classification, pictures (no labels), or auto.",
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
    "--variants", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Results of each picture."
)
@click.option(
    "--assign",
    type=click.Choice(["random", "round-robin", "nearest"]),
    default="random",
    show_default=True,
    help="How pictures get their styles; nearest takes the exemplars whose contents are most alike.",
)
@click.option(
    "--rule",
    "rule_texts",
    multiple=True,
    metavar="CONDITION=STYLE",
    help="Style of pictures that are day, night, or match a pattern such as 'night/*'. May be repeated.",
)
@click.option("--include-gray", is_flag=True, help="Also write the plain luma of every picture.")
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
    help="0 keeps the photograph's own look, 1 takes the exemplar's; a range is drawn from.",
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
@click.option("--fail-fast", is_flag=True, help="Stop at the first picture that fails.")
@max_pixels_option
@verbosity_options
def generate(*, tracking_uri: str | None, dry_run: bool, verbose: bool, quiet: bool, **given: Any) -> int:
    """Translate every picture of a labelled set and write its labels beside the results.

    RGB_SET is the root of a COCO, YOLO, Pascal VOC or KITTI set, of pictures with index masks, of class folders, or a
    plain folder of pictures. OUT has the same layout and can be trained on as it is. README.md there says what it
    holds and how it was made, manifest.jsonl the same for each picture.

    A picture that cannot be read costs its line in the manifest; a label that is wrong is kept and told.
    Exit code: 0 all done, 1 some pictures failed, 2 wrong usage or nothing to do.

    \b
    Examples:
      Three looks for every picture, and the plain luma:
        ir-transfer dataset coco/ --style a.png --style b.png --style c.png --variants 3 --include-gray -o coco_ir/
      Night pictures in a night look, people hotter than the network makes them:
        ir-transfer dataset yolo/ --style preset:lwir-road-day --rule night=preset:lwir-road-night \\
            --heat person=+0.2 -o yolo_ir/
      A quarter of the work, for a batch queue, and the whole from its parts:
        ir-transfer dataset coco/ --style a.png --shard 1/4 -o part1/
        ir-transfer dataset merge part1/ part2/ part3/ part4/ -o coco_ir/
    """
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("expected --resume or --overwrite, got both: leave one out")
    refuse_idle_engine_options(given)
    set_up_messages(verbose=verbose, quiet=quiet)
    warnings.filterwarnings("ignore", module="PIL")  # of damage that is harmless or that we report ourselves
    if not is_url(given["source"]):
        check_exists(Path(given["source"]), "a folder with a labelled set")
    check_styles(given["styles"])
    check_weights(given["weights"])
    (given["source"],), given["out"] = local_places((given["source"],), given["out"])
    found = fetched(given["weights"], tracking_uri)
    options = _options(given if found is None else {**given, "weights": str(found.weights.path)})
    if dry_run:
        return _print_plan(options)
    from ir_transfer.conversion.dataset.generate import generate_dataset

    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = generate_dataset(options, progress)
    except KeyboardInterrupt:
        click.echo("Interrupted: what is done is kept, go on with --resume", err=True)
        return INTERRUPTED
    return _report(summary, quiet=quiet)


@dataset.command(short_help="Check a generated set.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="IR_SET")
@click.option("--source", type=click.Path(path_type=Path), metavar="RGB_SET", help="Where the RGB set is stored now.")
@max_pixels_option
@verbosity_options
def verify(*, folder: Path, source: Path | None, max_pixels: int, verbose: bool, quiet: bool) -> int:
    """Check that every picture and label of a generated set is as it was made, and that the labels still fit.

    Labels are compared region by region with those of the RGB set, where that is still in its place or --source names
    it. Exit code: 0 all is well, 1 something is not, 2 no generated set.
    """
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(folder, "a set that ir-transfer dataset made")
    check_exists(source, "the RGB set of --source")
    from ir_transfer.conversion.dataset.verify import verify_dataset

    found = verify_dataset(folder, source, max_pixels)
    give_result({"folder": folder, "problems": found})
    for line in found:
        click.echo(line)
    if not quiet and not found:
        click.echo(f"{click.format_filename(folder)}: files are as they were made, labels that are read fit the pixels")
    return 1 if found else 0


@dataset.command(short_help="Put the shards of a set together.")
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SHARD...")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Root of the whole set.")
@click.option("--source", type=click.Path(path_type=Path), metavar="RGB_SET", help="Where the RGB set is stored now.")
@click.option("--overwrite", is_flag=True, help="Make existing results again.")
@verbosity_options
def merge(
    *, shards: tuple[Path, ...], out: Path, source: Path | None, overwrite: bool, verbose: bool, quiet: bool
) -> int:
    """Put the shards of a set together into what one machine would have made, with labels and card.

    The RGB set is found where a shard says that it is stored, or at --source. Exit code: 0 all done, 1 some pictures
    failed, 2 wrong usage.
    """
    set_up_messages(verbose=verbose, quiet=quiet)
    for shard in shards:
        check_exists(shard, "a shard of ir-transfer dataset")
    from ir_transfer.conversion.dataset.merge import merge_shards

    return _report(merge_shards(shards, out, overwrite=overwrite, source=source), quiet=quiet)


def _options(given: dict[str, Any]) -> DatasetOptions:
    from ir_transfer.conversion.dataset.options import DatasetOptions
    from ir_transfer.conversion.dataset.rules import parse_rules
    from ir_transfer.conversion.options import Options

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
    from ir_transfer.conversion.dataset.generate import prepare_dataset

    labelled, plan, choice = prepare_dataset(options)
    for job in plan.jobs:
        click.echo(f"{shown(job.source)} -> {shown(plan.out / job.output)}")
    for entry in plan.refused:
        print_error(str(entry.error))
    problems = [f"{one.file}: {one.message}" for one in labelled.problems]
    _print_problems(problems)
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
        f"would make {len(plan.jobs)} pictures of {len(labelled.pictures)} in a {labelled.kind} set, refuse "
        f"{len(plan.refused)}, with model {choice.model}, weights {choice.weights}, into {shown(plan.out)}"
        f"{_ignored(plan)}"
    )
    return 1 if plan.refused else 0


def _report(summary: DatasetSummary, *, quiet: bool) -> int:
    from ir_transfer.conversion.dataset.names import CARD_FOLDER, PROBLEMS_NAME

    run = summary.run
    give_result(
        {
            "out": run.out,
            "kind": summary.kind,
            "converted": run.converted,
            "skipped": run.skipped,
            "failed": run.failed,
            "missing": run.missing,
            "stopped": run.stopped,
            "label_files": summary.label_files,
            "problems": summary.problems,
            "broken": summary.broken,
        }
    )
    if run.stopped is not None:
        print_error(f"{run.stopped} ({run.missing} of {len(run.plan.jobs)} are missing)")
    for line in summary.broken:
        print_error(line)
    if not quiet:
        _print_problems(summary.problems, f" in {shown(run.out / CARD_FOLDER / PROBLEMS_NAME)}")
        click.echo(
            f"{summary.kind}: converted {run.converted}, skipped {run.skipped}, failed {run.failed}, "
            f"{summary.label_files} label files (see README.md){_ignored(run.plan)}"
        )
        click.echo(shown(run.out))
    return 1 if run.failed or run.stopped is not None or summary.broken else 0


def _ignored(plan: Plan) -> str:
    """Return what the last line says of files that are not read."""
    text = ignored_text(plan.ignored)
    return f"; {text}" if text else ""


def _print_problems(problems: list[str], where: str = "") -> None:
    for line in problems[:_SHOWN]:
        print_error(line, "Warning")
    if len(problems) > _SHOWN:
        print_error(f"... and {len(problems) - _SHOWN} more{where}", "Warning")
