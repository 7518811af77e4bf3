"""``ir-transfer video``: one look for a whole clip."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import INTERRUPTED, ProgressBar, set_up_messages
from ir_transfer.cli.execution_options import device_option, threads_option
from ir_transfer.cli.heat import heat_options, take_heat
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.options import (
    max_pixels_option,
    model_option,
    seed_option,
    style_options,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import compression_option, levels_option
from ir_transfer.cli.path_checks import check_exists, check_styles, check_weights
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.stored_weights import fetched

if TYPE_CHECKING:
    from ir_transfer.conversion.video.options import FlickerReport, VideoSummary

_TARGET = 1.2


@click.command(cls=SectionedCommand, short_help="Convert a video, or a folder of numbered frames.")
@click.argument("source", type=click.Path(path_type=Path), metavar="INPUT")
@style_options
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Video (.mp4, .mkv, .mov), or folder.  [default: INPUT_ir]"
)
@model_option
@weights_option
@heat_options
@click.option(
    "--smoothing",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="Time constant of the statistics, for models that have any; 0 translates frame by frame.",
)
@click.option(
    "--flow/--no-flow",
    default=True,
    show_default=True,
    help="Blend in the frame before, moved along the optical flow; without it noise flickers more than in the input.",
)
@click.option(
    "--codec",
    type=click.Choice(["h264", "ffv1"]),
    default="h264",
    show_default=True,
    help="h264 plays everywhere; ffv1 keeps every level.",
)
@click.option(
    "--quality",
    type=click.IntRange(0, 51),
    default=17,
    show_default=True,
    metavar="0..51",
    help="Of h264, lower is better.",
)
@compression_option("fast; a video has none")
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    metavar="N",
    help="Frames a second of a folder; a video says so itself.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="Measure flicker on some frames.")
@device_option
@threads_option
@click.option("--resume", is_flag=True, help="Go on with what an interrupted run left.")
@click.option("--overwrite", is_flag=True, help="Make an existing result again.")
@tracking_uri_option
@seed_option
@levels_option
@max_pixels_option
@verbosity_options
def video(*, tracking_uri: str | None, verbose: bool, quiet: bool, **given: Any) -> int:
    """Convert a clip into one-channel infrared, in one look, of the same size, times and sound.

    INPUT is a video of any kind that FFmpeg reads, or a folder of numbered images; the result is a video
    beside it, or a folder of PNG images of the same names with manifest.jsonl.

    A frame that cannot be read costs that frame: the output before stands in. Exit code: 0 all done, 1 some frames
    were damaged, 2 wrong usage or nothing to do.

    \b
    Examples:
      A clip in the look of a preset:
        ir-transfer video drive.mp4 --style preset:lwir-road-day
      Every frame as sharp as an image of its own, every level kept:
        ir-transfer video drive.mp4 --style thermal.png --no-flow --codec ffv1
      Numbered frames of 10 a second:
        ir-transfer video frames/ --style thermal.png --fps 10 -o frames_thermal/
      Go on after an interruption:
        ir-transfer video drive.mp4 --style thermal.png --resume
    """
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("expected --resume or --overwrite, got both: leave one out")
    if given["levels"] == "percentile":
        raise click.UsageError("expected --levels LO,HI for a clip, got percentile: frames would flicker")
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(given["source"], "a video or a folder of frames")
    check_styles(given["styles"])
    check_weights(given["weights"])
    warnings.filterwarnings("ignore", module="PIL")  # of damage that is harmless or that we report ourselves
    from ir_transfer.conversion.video.convert import convert_video
    from ir_transfer.conversion.video.options import VideoOptions

    found = fetched(given["weights"], tracking_uri)
    if found is not None:
        given["weights"] = str(found.weights.path)
    options = VideoOptions(heat=take_heat(given), **given, command=typed_command(), settings=used_settings())
    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = convert_video(options, progress)
    except KeyboardInterrupt:
        click.echo("Interrupted: what is done is kept, go on with --resume", err=True)
        return INTERRUPTED
    give_result(summary)
    if not quiet:
        _print(summary, wanted_smoothing=options.smoothing > 0, flow=options.flow)
    return 1 if summary.damaged else 0


def _print(summary: VideoSummary, *, wanted_smoothing: bool, flow: bool) -> None:
    for note in summary.notes:
        click.echo(f"note: {note}")
    if summary.frames and wanted_smoothing and not summary.smoothed:
        click.echo("note: this model has no statistics to smooth: it translates frame by frame")
    if summary.flicker is not None:
        click.echo(_flicker_line(summary.flicker, flow=flow))
    if summary.frames:
        click.echo(f"{summary.frames} frames, {summary.skipped} of an earlier run, {len(summary.damaged)} damaged")
    click.echo(click.format_filename(summary.out))


def _flicker_line(flicker: FlickerReport, *, flow: bool) -> str:
    if not flicker.source:
        return "flicker: the input stands still and has none to compare with"
    remedy = "; leave --no-flow out" if flicker.ratio > _TARGET and not flow else ""
    return (
        f"flicker {flicker.ratio:.2f}x the input's own "
        f"(frame by frame: {flicker.frame_by_frame_ratio:.2f}x; {flicker.pairs} pairs of frames{remedy})"
    )
