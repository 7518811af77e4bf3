"""``ir-transfer convert``: the main job."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, print_error, set_up_messages
from ir_transfer.cli.controls import control_options, take_controls
from ir_transfer.cli.execution_options import (
    device_option,
    engine_options,
    refuse_unused_engine_options,
    speed_options,
    threads_option,
)
from ir_transfer.cli.heat import heat_options, take_heat
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.options import (
    max_pixels_option,
    model_option,
    out_option,
    run_options_option,
    runtime_option,
    seed_option,
    style_options,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import camera_options, output_fields, output_options, raster_options, size_options
from ir_transfer.cli.path_checks import check_exists, check_inputs, check_styles, check_weights
from ir_transfer.cli.paths import format_path, local_paths
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.stored_weights import fetched
from ir_transfer.cli.track import track
from ir_transfer.errors import IrTransferError
from ir_transfer.imaging.image_names import ignored_text

if TYPE_CHECKING:
    from ir_transfer.conversion.options import Options, Summary
    from ir_transfer.tracking.fetch import Fetched


@click.command(cls=SectionedCommand, short_help="Convert RGB images into infrared images.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@style_options
@out_option("Folder of the results.  [default: INPUT_ir]")
@model_option
@weights_option
@runtime_option
@run_options_option
@control_options
@heat_options
@output_options
@camera_options
@size_options
@raster_options
@device_option
@speed_options
@engine_options
@threads_option
@click.option("--resume", is_flag=True, help="Go on with what an interrupted run left.")
@click.option("--overwrite", is_flag=True, help="Make existing results again.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")
@click.option("--preview", is_flag=True, help="Also write a contact sheet of input, exemplar and output.")
@click.option("--track", "tracked", is_flag=True, help="Log what was converted with what to MLflow.")
@tracking_uri_option
@seed_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@max_pixels_option
@verbosity_options
def convert(
    *, dry_run: bool, preview: bool, tracked: bool, tracking_uri: str | None, verbose: bool, quiet: bool, **given: Any
) -> int:
    """Convert RGB images into one-channel infrared images of exactly the same size.

    INPUT is a file, a folder (searched with its sub-folders), a glob in quotes, a list file (.txt, one path a line),
    or the URL of a folder in a remote storage. PNG, JPEG, TIFF, BMP, WebP and AVIF are read, 8 and 16 bit, in
    whatever colour space they declare; HEIC and camera raw with the extras heif and raw. A GeoTIFF or VRT becomes a
    GeoTIFF of the same place. Results keep their sub-folder and name below OUT, where manifest.jsonl says
    for each input what became of it and how it was made.

    An image that cannot be read costs its line in the manifest and nothing else. Exit code: 0 all done,
    1 some failed, 2 wrong usage or nothing to do.

    \b
    Examples:
      One folder, one infrared image of the look:
        ir-transfer convert photos/ --style thermal.png
      A shipped style, 16-bit TIFF, hot things dark:
        ir-transfer convert photos/ --style preset:lwir-road-day --polarity black-hot \\
            --bit-depth 16 --format tiff -o night/
      A blend of two exemplars, with a contact sheet:
        ir-transfer convert 'photos/**/*.jpg' --style a.png --style b.png \\
            --style-weights 0.7,0.3 -o blend/ --preview
      One look for the sky, another for the rest, drawn once for all images:
        ir-transfer convert photos/ --style a.png --style b.png \\
            --style-mask sky.png --style-mask rest.png --fit-masks
      What lies between four looks:
        ir-transfer convert photo.jpg --style a.png --style b.png --style c.png --style d.png --style-grid 4
      People hotter than the network makes them:
        ir-transfer convert photos/ --style thermal.png --heat auto
      Go on after an interruption:
        ir-transfer convert photos/ --style thermal.png --resume
      By an exported file with the style inside, run by OpenVINO:
        ir-transfer export adain --style preset:lwir-road-night -o night.xml
        ir-transfer convert photos/ --weights night.xml
      The best registered model, with a record in MLflow:
        ir-transfer convert photos/ --style thermal.png --weights models:/adain-lwir@champion --track
    """
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("expected --resume or --overwrite, got both: leave one out")
    refuse_unused_engine_options(given)
    set_up_messages(verbose=verbose, quiet=quiet)
    _check_paths(given)
    given["inputs"], given["out"] = local_paths(given["inputs"], given["out"])
    found = fetched(given["weights"], tracking_uri)
    options = _options(given if found is None else {**given, "weights": str(found.weights.path)})
    if dry_run:
        return _print_plan(options, found)
    code, summary = _run(options, preview=preview, quiet=quiet)
    if tracked and summary is not None:
        from ir_transfer.tracking.conversion_log import log_conversion

        track(tracking_uri, lambda client: log_conversion(client, options, summary, found), quiet=quiet)
    return code


def _check_paths(given: dict[str, Any]) -> None:
    check_inputs(given["inputs"])
    check_styles(given["styles"])
    check_weights(given["weights"])
    for path in given["style_masks"]:
        check_exists(path, "a mask of --style-mask")
    check_exists(given["content_masks"], "the masks of --content-masks")
    check_exists(given["exemplar_masks"], "the masks of --exemplar-masks")


def _options(given: dict[str, Any]) -> Options:
    from ir_transfer.conversion.options import Options

    controls, heat = take_controls(given), take_heat(given)
    return Options(
        **output_fields(given), controls=controls, heat=heat, command=typed_command(), settings=used_settings()
    )


def _print_plan(options: Options, found: Fetched | None) -> int:
    from ir_transfer.conversion.convert import prepare_run
    from ir_transfer.conversion.manifest import Manifest
    from ir_transfer.conversion.styles.catalog import exemplar_files
    from ir_transfer.conversion.styles.exemplar import read_exemplar

    plan, choice, masks = prepare_run(options)
    for style in choice.styles:
        for path in exemplar_files(style):
            read_exemplar(path, options.max_pixels, asked_range=options.exemplar_range)
    manifest = Manifest.load(plan.out) if options.resume else None
    done = {key for key, entry in manifest.entries.items() if entry.status == "converted"} if manifest else set()
    skipped = {job.output for job in plan.jobs if str(job.output) in done and (plan.out / job.output).is_file()}
    errors = [str(entry.error) for entry in plan.refused]
    planned = []
    for job in plan.jobs:
        if job.output in skipped:
            continue
        try:
            if masks is not None:
                masks.fingerprint(job.place)
        except IrTransferError as error:
            errors.append(f"{job.source}: {error.line}")
            continue
        planned.append({"input": job.source, "output": plan.out / job.output})
        click.echo(f"{format_path(job.source)} -> {format_path(plan.out / job.output)}")
    for text in errors:
        print_error(text)
    give_result(
        {
            "out": plan.out,
            "model": choice.model,
            "weights": found.title if found else choice.weights,
            "would_convert": planned,
            "would_skip": len(skipped),
            "errors": errors,
        }
    )
    count = len(plan.jobs) + len(plan.refused) - len(skipped) - len(errors)
    click.echo(
        f"would convert {count}, skip {len(skipped)}, fail {len(errors)}, "
        f"with model {choice.model}, weights {found.title if found else choice.weights}, into {format_path(plan.out)}"
    )
    return 1 if errors else 0


def _run(options: Options, *, preview: bool, quiet: bool) -> tuple[int, Summary | None]:
    """Convert and report; return the exit code, and what was done unless it was interrupted."""
    # Pillow warns of damage that is harmless or that we report ourselves.
    warnings.filterwarnings("ignore", module="PIL")
    from ir_transfer.conversion.convert import convert as convert_images
    from ir_transfer.conversion.inputs import MANIFEST_NAME

    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = convert_images(options, progress, progress.step)
    except KeyboardInterrupt:
        click.echo("Interrupted: what is done is kept, go on with --resume", err=True)
        return INTERRUPTED, None
    if summary.stopped is not None:
        print_error(f"{summary.stopped} ({summary.missing} of {len(summary.plan.jobs)} are missing)")
    previewed = not preview or _write_preview(summary, options, quiet=quiet)
    give_result(
        {
            "out": summary.out,
            "manifest": summary.out / MANIFEST_NAME,
            "converted": summary.converted,
            "skipped": summary.skipped,
            "failed": summary.failed,
            "missing": summary.missing,
            "stopped": summary.stopped,
            "ignored": summary.plan.ignored,
        }
    )
    if not quiet:
        counts = f"converted {summary.converted}, skipped {summary.skipped}, failed {summary.failed}"
        ignored = ignored_text(summary.plan.ignored)
        click.echo(
            f"{counts} into {format_path(summary.plan.out)} (see manifest.jsonl){'; ' if ignored else ''}{ignored}"
        )
    return 1 if summary.failed or summary.stopped is not None or not previewed else 0, summary


def _write_preview(summary: Summary, options: Options, *, quiet: bool) -> bool:
    """Write the contact sheet; one that fails is no reason to lose the last line."""
    from ir_transfer.conversion.preview import write_preview

    try:
        sheet = write_preview(summary.plan, options.styles, options.max_pixels, summary.without_result, options.raster)
    except IrTransferError as error:
        print_error(f"no preview: {error.line}")
        return False
    if sheet is not None and not quiet:
        click.echo(f"preview: {format_path(sheet)}")
    return True
