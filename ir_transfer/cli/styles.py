"""``ir-transfer styles``: the bundled styles, and styles built from exemplars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.console import print_error, print_table, set_up_messages
from ir_transfer.cli.option_types import NUMBERS, PATH
from ir_transfer.cli.options import (
    exemplar_polarity_option,
    exemplar_range_option,
    max_pixels_option,
    model_option,
    overwrite_option,
    tracking_uri_option,
    verbosity_options,
    weights_option,
)
from ir_transfer.cli.paths import check_inputs, check_local, check_new_file, check_weights
from ir_transfer.cli.result import give_result
from ir_transfer.cli.tracking import local_weights

if TYPE_CHECKING:
    from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
    from ir_transfer.imaging.exemplars.range import AskedRange

_COLUMNS = ("model", "weights", "band", "polarity", "description")


@click.group(invoke_without_command=True)
@click.pass_context
def styles(ctx: click.Context) -> int | None:
    """List the bundled styles, or build one; use a bundled style with --style preset:NAME.

    \b
    Examples:
      ir-transfer styles
      ir-transfer styles build thermal_images/ -o mine.safetensors
      ir-transfer convert photos/ --style mine.safetensors
    """
    if ctx.invoked_subcommand is not None:
        return None
    from ir_transfer.conversion.styles.catalog import list_named_styles, list_presets

    presets = [*list_presets(), *list_named_styles()]
    give_result([{"name": p.name, **{key: p.metadata.get(key, "") for key in _COLUMNS}} for p in presets])
    if presets:
        rows = [[f"preset:{p.name}", *(p.metadata.get(key) or "-" for key in _COLUMNS)] for p in presets]
        print_table(["style", *_COLUMNS], rows)
    else:
        click.echo("this installation has no bundled styles: build one with ir-transfer styles build")
    return 0


@styles.command(short_help="Build a style from exemplars.")
@click.argument("exemplars", nargs=-1, required=True, metavar="EXEMPLAR...")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="File to write (.safetensors).")
@model_option
@weights_option
@tracking_uri_option
@click.option("--style-weights", type=NUMBERS, metavar="0.7,0.3", help="Weight of each exemplar.  [default: equal]")
@click.option("--band", default="", metavar="NAME", help="Infrared band for the list, such as lwir or nir.")
@exemplar_polarity_option
@exemplar_range_option
@click.option("--description", default="", metavar="TEXT", help="Description for the list, one line.")
@overwrite_option("Replace an existing file.")
@max_pixels_option
@verbosity_options
def build(
    *,
    exemplars: tuple[str, ...],
    out: Path,
    model: str | None,
    weights: str | None,
    tracking_uri: str | None,
    style_weights: tuple[float, ...] | None,
    band: str,
    exemplar_polarity: ExemplarPolarity,
    exemplar_range: AskedRange,
    description: str,
    overwrite: bool,
    max_pixels: int,
    verbose: bool,
    quiet: bool,
) -> int:
    """Encode style exemplars (infrared images, folders or globs) into one style file.

    A style can only be used with the model and weights that it was built with.

    \b
    Examples:
      ir-transfer styles build thermal_images/ -o mine.safetensors
      ir-transfer styles build day.png night.png --style-weights 0.7,0.3 -o dusk.safetensors
    """
    check_new_file(out, overwrite=overwrite, suffix=".safetensors")
    set_up_messages(verbose=verbose, quiet=quiet)
    check_local(exemplars)
    check_inputs(exemplars)
    check_weights(weights)
    from ir_transfer.conversion.styles.build import build_style, disagreements
    from ir_transfer.imaging.exemplars.polarity import is_white_hot

    metadata = {"band": band, "description": description}
    built = build_style(
        exemplars,
        out,
        shares=style_weights,
        model=model,
        weights=weights and local_weights(weights, tracking_uri),
        white_hot=is_white_hot(exemplar_polarity),
        metadata=metadata,
        max_pixels=max_pixels,
        report=(lambda line: None) if quiet else click.echo,
        exemplar_range=exemplar_range,
    )
    give_result(
        {
            "out": out,
            "model": built.code.model,
            "exemplars": built.count,
            "polarity": "white-hot" if built.code.white_hot else "black-hot",
            "disagreements": list(disagreements(built.exemplars)),
        }
    )
    if not quiet:
        for exemplar in built.exemplars:
            click.echo(exemplar.line)
        for line in disagreements(built.exemplars):
            print_error(f"exemplars disagree: {line}", "Warning")
        plural = "s" * (built.count != 1)
        click.echo(
            f"{click.format_filename(out)}: style of {built.count} exemplar{plural} for model {built.code.model}"
        )
    return 0
