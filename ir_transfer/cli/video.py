"""``ir-transfer video``: a video or a folder of frames in one style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import ProgressBar, print_interrupted, set_up_messages
from ir_transfer.cli.controls import heat_options, take_heat
from ir_transfer.cli.execution_options import device_option, threads_option
from ir_transfer.cli.help_groups import SectionedCommand
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import (
    max_pixels_option,
    model_option,
    overwrite_option,
    refuse_resume_with_overwrite,
    resume_option,
    seed_option,
    style_options,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.output_options import compression_option, levels_option
from ir_transfer.cli.paths import check_exists, check_styles, check_weights
from ir_transfer.cli.result import give_result
from ir_transfer.cli.settings import typed_command, used_settings
from ir_transfer.cli.tracking import local_weights

if TYPE_CHECKING:
    from ir_transfer.conversion.video.options import FlickerReport, VideoSummary

_TARGET = 1.2


@click.command(cls=SectionedCommand)
@click.argument("source", type=PATH, metavar="INPUT")
@style_options
@click.option(
    "-o", "--out", type=PATH, metavar="PATH", help="Video (.mp4, .mkv, .mov) or folder to write.  [default: INPUT_ir]"
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
    help="Time constant for smoothing image statistics, for models that have them; 0 translates each frame alone.",
)
@click.option(
    "--flow/--no-flow",
    default=True,
    show_default=True,
    help="Blend each frame with the previous one, warped by optical flow, which reduces flicker of noise.",
)
@click.option(
    "--codec",
    type=click.Choice(["h264", "ffv1"]),
    default="h264",
    show_default=True,
    help="h264 is widely supported and lossy; ffv1 is lossless.",
)
@click.option(
    "--quality",
    type=click.IntRange(0, 51),
    default=17,
    show_default=True,
    metavar="0..51",
    help="H.264 constant rate factor; lower is better.",
)
@compression_option("fast; not for videos")
@click.option(
    "--fps",
    type=click.FloatRange(min=0, min_open=True),
    default=25.0,
    show_default=True,
    metavar="N",
    help="Frame rate of a folder of frames; a video has its own.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="Measure the flicker of some frames.")
@device_option
@threads_option
@resume_option
@overwrite_option("Replace an existing result.")
@tracking_uri_option
@seed_option
@levels_option
@max_pixels_option
@verbosity_options
def video(*, tracking_uri: str | None, verbose: bool, quiet: bool, **given: Any) -> int:
    """Convert a video to one-channel infrared in one style, with the same frame size, timestamps and sound.

    INPUT is a video in a format that FFmpeg reads, or a folder of numbered images. The result is a video, or a folder
    of PNG images of the same names with manifest.jsonl.

    A frame that cannot be read is replaced by the previous result. Exit code: 0 all converted, 1 some frames were
    damaged, 2 wrong usage or nothing to convert.

    \b
    Examples:
      A video in the style of a preset:
        ir-transfer video drive.mp4 --style preset:lwir-road-day
      Lossless, with frames as sharp as separate images:
        ir-transfer video drive.mp4 --style thermal.png --no-flow --codec ffv1
      Numbered frames at 10 frames per second:
        ir-transfer video frames/ --style thermal.png --fps 10 -o frames_thermal/
      Continue an interrupted run:
        ir-transfer video drive.mp4 --style thermal.png --resume
    """
    refuse_resume_with_overwrite(given)
    if given["levels"] == "percentile":
        raise click.UsageError("expected --levels LO,HI for a video, got percentile, which would cause flicker")
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(given["source"], "a video or a folder of frames")
    check_styles(given["styles"])
    check_weights(given["weights"])
    from ir_transfer.conversion.video.convert import convert_video
    from ir_transfer.conversion.video.options import VideoOptions

    given["weights"] = given["weights"] and local_weights(given["weights"], tracking_uri)
    options = VideoOptions(heat=take_heat(given), **given, command=typed_command(), settings=used_settings())
    try:
        with ProgressBar(quiet=quiet) as progress:
            summary = convert_video(options, progress)
    except KeyboardInterrupt:
        return print_interrupted()
    give_result(summary)
    if not quiet:
        _print(summary, wanted_smoothing=options.smoothing > 0, flow=options.flow)
    return 1 if summary.damaged else 0


def _print(summary: VideoSummary, *, wanted_smoothing: bool, flow: bool) -> None:
    for note in summary.notes:
        click.echo(f"note: {note}")
    if summary.frames and wanted_smoothing and not summary.smoothed:
        click.echo("note: this model has no statistics to smooth; each frame was translated separately")
    if summary.flicker is not None:
        click.echo(_flicker_line(summary.flicker, flow=flow))
    if summary.frames:
        click.echo(f"{summary.frames} frames, {summary.skipped} from an earlier run, {len(summary.damaged)} damaged")
    click.echo(click.format_filename(summary.out))


def _flicker_line(flicker: FlickerReport, *, flow: bool) -> str:
    if not flicker.source:
        return "flicker: the input is static and has no flicker to compare with"
    remedy = "; use --flow" if flicker.ratio > _TARGET and not flow else ""
    return (
        f"flicker {flicker.ratio:.2f}x that of the input "
        f"(frame by frame: {flicker.frame_by_frame_ratio:.2f}x; {flicker.pairs} pairs of frames{remedy})"
    )
