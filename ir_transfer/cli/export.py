"""``ir-transfer export``: a model as a file for ONNX Runtime or OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.console import set_up_messages
from ir_transfer.cli.execution_options import threads_option
from ir_transfer.cli.option_types import NUMBERS, PATH
from ir_transfer.cli.options import (
    exemplar_polarity_option,
    exemplar_range_option,
    max_pixels_option,
    overwrite_option,
    polarity_option,
    style_option,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.paths import check_exists, check_styles, check_weights
from ir_transfer.cli.tracking import local_weights

if TYPE_CHECKING:
    from ir_transfer.conversion.exported.make import ExportOptions
    from ir_transfer.export.metadata import FileKind
    from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
    from ir_transfer.imaging.exemplars.range import AskedRange

_STYLE = "Baked into the file; repeat it to blend styles.  [default: none, style tensors are inputs of the file]"


@click.command
@click.argument("model", metavar="MODEL")
@style_option(_STYLE, required=False)
@click.option("--style-weights", type=NUMBERS, metavar="0.7,0.3", help="Weight of each --style.  [default: equal]")
@polarity_option
@exemplar_polarity_option
@exemplar_range_option
@weights_option
@click.option(
    "--to",
    "kind",
    type=click.Choice(["onnx", "openvino"]),
    help="File format.  [default: by the suffix of -o, .onnx or .xml]",
)
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="File to write, .onnx or .xml.")
@click.option(
    "--calibrate",
    type=PATH,
    metavar="FOLDER",
    help="Quantise to int8 for OpenVINO, calibrated on these RGB images, and report the quality loss.",
)
@click.option(
    "--calibration-truth",
    type=PATH,
    metavar="FOLDER",
    help="Ground-truth infrared images with the same names; also report the loss against them.",
)
@overwrite_option("Replace an existing file.")
@threads_option
@tracking_uri_option
@max_pixels_option
@verbosity_options
def export(
    *,
    model: str,
    styles: tuple[str, ...],
    style_weights: tuple[float, ...] | None,
    polarity: str | None,
    exemplar_polarity: ExemplarPolarity,
    exemplar_range: AskedRange,
    weights: str | None,
    kind: FileKind | None,
    out: Path,
    calibrate: Path | None,
    calibration_truth: Path | None,
    overwrite: bool,
    threads: int | None,
    tracking_uri: str | None,
    max_pixels: int,
    verbose: bool,
    quiet: bool,
) -> int:
    """Export MODEL, optionally with a style, to one file for ONNX Runtime or OpenVINO (extra export).

    The exported network accepts RGB images of any size and includes polarity and tone mapping. Its output is compared
    with torch on ten images of different sizes; a difference above 0.001 is an error, and no file is written. Run the
    file with ir-transfer convert --weights FILE.

    \b
    Examples:
      ir-transfer export adain --style preset:lwir-road-night -o night.onnx
      ir-transfer export wct2 --style thermal.png --to openvino -o thermal.xml
      ir-transfer export adain -o any_style.onnx
      ir-transfer export adain --style thermal.png --calibrate photos/ -o thermal_int8.xml
    """
    set_up_messages(verbose=verbose, quiet=quiet)
    from ir_transfer.export.metadata import kind_of

    kind = kind or kind_of(out)
    if kind is None:
        raise click.UsageError(f"expected -o to end in .onnx or .xml, got {out}: or pass --to")
    if calibration_truth is not None and calibrate is None:
        raise click.UsageError("expected --calibrate with --calibration-truth, got none: add the folder of RGB images")
    check_styles(styles)
    check_weights(weights)
    check_exists(calibrate, "the RGB images of --calibrate")
    check_exists(calibration_truth, "the infrared images of --calibration-truth")
    from ir_transfer.conversion.exported.make import ExportOptions
    from ir_transfer.imaging.exemplars.polarity import is_white_hot

    options = ExportOptions(
        model=model,
        out=out,
        kind=kind,
        styles=styles,
        style_weights=style_weights,
        weights=weights and local_weights(weights, tracking_uri),
        polarity=polarity,  # type: ignore[arg-type]  # click has checked it
        white_hot=is_white_hot(exemplar_polarity),
        exemplar_range=exemplar_range,
        max_pixels=max_pixels,
        overwrite=overwrite,
        threads=threads,
    )
    return _run(options, calibrate, calibration_truth, quiet=quiet)


def _run(options: ExportOptions, calibrate: Path | None, truth: Path | None, *, quiet: bool) -> int:
    from ir_transfer.conversion.exported.make import export_file

    report = (lambda line: None) if quiet else click.echo
    if calibrate is None:
        facts = export_file(options, report)
    else:
        from ir_transfer.conversion.exported.int8 import export_int8

        facts = export_int8(options, calibrate, truth, report)
    if not quiet:
        style = (
            f"style {facts.style_name}, {facts.polarity}" if facts.is_baked else f"style inputs {facts.style_inputs}"
        )
        click.echo(
            f"{click.format_filename(options.out)}: model {facts.model}, {style}, {facts.precision}, "
            f"largest difference from torch {facts.largest_difference}"
        )
        if facts.calibration:
            click.echo(facts.calibration)
    return 0
