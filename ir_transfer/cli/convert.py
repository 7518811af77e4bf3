"""``ir-transfer convert``: RGB images to infrared images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import ProgressBar, print_error, print_interrupted, set_up_messages
from ir_transfer.cli.controls import control_options, heat_options, take_controls, take_heat
from ir_transfer.cli.execution_options import (
    device_option,
    engine_options,
    refuse_unused_engine_options,
    speed_options,
    threads_option,
)
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.options import (
    REDO,
    max_pixels_option,
    model_option,
    model_options_option,
    out_option,
    overwrite_option,
    refuse_resume_with_overwrite,
    resume_option,
    runtime_option,
    seed_option,
    style_options,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import camera_options, output_fields, output_options, raster_options, size_options
from ir_transfer.cli.paths import check_exists, check_inputs, check_styles, check_weights, format_path, local_paths
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.tracking import check_tracking, fetched, track
from ir_transfer.errors import IrTransferError
from ir_transfer.imaging.image_names import ignored_text

if TYPE_CHECKING:
    from ir_transfer.conversion.options import Options, Summary
    from ir_transfer.tracking.fetch import Fetched


@click.command(cls=SectionedCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@style_options
@out_option("Output folder.  [default: INPUT_ir]")
@model_option
@weights_option
@runtime_option
@model_options_option
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
@resume_option
@overwrite_option(REDO)
@click.option("--dry-run", is_flag=True, help="Print what would be converted, and convert nothing.")
@click.option("--preview", is_flag=True, help="Also write a contact sheet of inputs, exemplars and results.")
@click.option("--track", "tracked", is_flag=True, help="Log inputs, styles and settings of the run to MLflow.")
@tracking_uri_option
@seed_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first image that fails.")
@max_pixels_option
@verbosity_options
def convert(
    *, dry_run: bool, preview: bool, tracked: bool, tracking_uri: str | None, verbose: bool, quiet: bool, **given: Any
) -> int:
    """Convert RGB images to one-channel infrared images of the same size.

    INPUT is a file, a folder (including its sub-folders), a quoted glob, a list file (.txt, one path per line), or the
    URL of a folder in remote storage. Supported formats are PNG, JPEG, TIFF, BMP, WebP and AVIF with 8 or 16 bits and
    any declared colour space, and HEIC and camera raw with the extras heif and raw. A GeoTIFF or VRT is converted to a
    GeoTIFF with the same georeference. Results keep their sub-folder and name below OUT; manifest.jsonl there records
    the status and the settings of every input.

    Unreadable images are recorded in the manifest, and the others are converted. Exit code: 0 all converted, 1 some
    failed, 2 wrong usage or nothing to convert.

    \b
    Examples:
      A folder in the style of one infrared image:
        ir-transfer convert photos/ --style thermal.png
      A bundled style, 16-bit TIFF, black-hot:
        ir-transfer convert photos/ --style preset:lwir-road-day --polarity black-hot \\
            --bit-depth 16 --format tiff -o night/
      A blend of two exemplars, with a contact sheet:
        ir-transfer convert 'photos/**/*.jpg' --style a.png --style b.png \\
            --style-weights 0.7,0.3 -o blend/ --preview
      One style for the sky and another for the rest, with the same masks for all images:
        ir-transfer convert photos/ --style a.png --style b.png \\
            --style-mask sky.png --style-mask rest.png --fit-masks
      Interpolations between four styles:
        ir-transfer convert photo.jpg --style a.png --style b.png --style c.png --style d.png --style-grid 4
      People and vehicles hotter than predicted by the network:
        ir-transfer convert photos/ --style thermal.png --heat auto
      Continue an interrupted run:
        ir-transfer convert photos/ --style thermal.png --resume
      An exported model with its style, run by OpenVINO:
        ir-transfer export adain --style preset:lwir-road-night -o night.xml
        ir-transfer convert photos/ --weights night.xml
      The champion of the registered model, with a record in MLflow:
        ir-transfer convert photos/ --style thermal.png --weights models:/adain-lwir@champion --track
    """
    refuse_resume_with_overwrite(given)
    refuse_unused_engine_options(given)
    set_up_messages(verbose=verbose, quiet=quiet)
    _check_paths(given)
    if tracked:
        check_tracking(tracking_uri)
    given["inputs"], given["out"] = local_paths(given["inputs"], given["out"])
    found = fetched(given["weights"], tracking_uri)
    options = _options(given if found is None else {**given, "weights": str(found.weights.path)})
    if dry_run:
        return _print_plan(options, found)
    code, summary = _run(options, preview=preview, quiet=quiet)
    if tracked and summary is not None:
        from ir_transfer.tracking.conversion_log import log_conversion

        logged = track(tracking_uri, lambda client: log_conversion(client, options, summary, found), quiet=quiet)
        code = code if logged else 1
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
    """Convert and print the counts; return the exit code, and the summary unless the run was interrupted."""
    from ir_transfer.conversion.convert import convert as convert_images
    from ir_transfer.conversion.inputs import MANIFEST_NAME

    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = convert_images(options, progress, progress.step)
    except KeyboardInterrupt:
        return print_interrupted(), None
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
    """Write the contact sheet; return whether that succeeded."""
    from ir_transfer.conversion.preview import write_preview

    try:
        sheet = write_preview(summary.plan, options.styles, options.max_pixels, summary.without_result, options.raster)
    except IrTransferError as error:
        print_error(f"no preview: {error.line}")
        return False
    if sheet is not None and not quiet:
        click.echo(f"preview: {format_path(sheet)}")
    return True
