"""Options that control a result beyond style and strength: masks, tone, layer weights, heat by class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.option_types import PATH, Parsed
from ir_transfer.cli.options import combined
from ir_transfer.cli.paths import check_exists

if TYPE_CHECKING:
    from ir_transfer.conversion.controls import Controls
    from ir_transfer.conversion.heat.options import HeatOptions

_LARGEST_GRID = 16
_RANDOM = "random"
_NAMES = ("keep_tone", "style_masks", "content_masks", "exemplar_masks", "fit_masks", "style_grid")


def _layer_weights(text: str) -> tuple[tuple[str, float], ...] | str:
    if text == _RANDOM:
        return text
    pairs = [part.partition("=") for part in text.split(",")]
    return tuple((name.strip(), float(number)) for name, _, number in pairs)


control_options = combined(
    click.option(
        "--keep-tone",
        is_flag=True,
        help="Keep the brightness order of the RGB image; use only the intensity distribution of the result.",
    ),
    click.option(
        "--style-mask",
        "style_masks",
        type=PATH,
        multiple=True,
        metavar="FILE|FOLDER",
        help="Region of each --style: a gray mask, white inside the region, for all inputs; or a folder with one mask "
        "per input at the same relative path. Repeat it in the order of --style.",
    ),
    click.option(
        "--content-masks",
        type=PATH,
        metavar="FILE|FOLDER",
        help="Label maps of the inputs, for models that accept masks: colour or index PNG, YOLO polygons (.txt) or "
        "COCO .json. A region takes its style from the exemplar region with the same label; label 0 (black) takes it "
        "from the whole exemplar.",
    ),
    click.option("--exemplar-masks", type=PATH, metavar="FILE|FOLDER", help="Label maps of the exemplars."),
    click.option("--fit-masks", is_flag=True, help="Resize masks to the image size; otherwise a mismatch is an error."),
    click.option(
        "--style-grid",
        type=click.IntRange(2, _LARGEST_GRID),
        metavar="N",
        help="Also write NAME_grid: a row of N interpolations between 2 styles, or N x N between 4.",
    ),
    click.option(
        "--layer-weights",
        type=Parsed("weights", "LAYER=WEIGHT, comma-separated, or random", _layer_weights),
        metavar="relu2_1=0.3,...",
        help="Loss weights of model adjustable, 0 to 1: content.relu3_1, content.relu4_1, relu1_1 ... relu5_1; or "
        "random, drawn with --seed.  [default: all 1]",
    ),
)
"""Options whose values :func:`take_controls` takes."""


def _existing(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    check_exists(None if path is None else Path(path), "the weights of --heat-weights")
    return path


heat_options = combined(
    click.option(
        "--heat",
        "heat_texts",
        multiple=True,
        metavar="CLASS[.PART]=SHIFT|auto[:maskrcnn][=SHIFT]",
        help="Shift the apparent intensity of objects by a fraction of the intensity range, such as person=+0.2 or "
        "car.engine=+0.1. Objects are labelled (in a data set) or detected in the network's class map "
        "(person, two-wheeler, vehicle). auto detects people and vehicles in the class map and makes them hotter; "
        "auto:maskrcnn also detects animals. Repeatable.",
    ),
    click.option(
        "--heat-weights",
        type=click.Path(),
        callback=_existing,
        metavar="FILE",
        help="Weights for --heat auto:maskrcnn (torchvision's maskrcnn_resnet50_fpn_v2).  [default: downloaded]",
    ),
)
"""``--heat`` and ``--heat-weights``; see :func:`take_heat`."""


def take_controls(given: dict[str, Any]) -> Controls:
    """Remove the values of :data:`control_options` from the parameters of a command and return them."""
    from ir_transfer.conversion.controls import Controls

    weights = given.pop("layer_weights")
    drawn = weights == _RANDOM
    sliders = {"random_layers": drawn, "layer_weights": () if drawn else weights or ()}
    return Controls(**{name: given.pop(name) for name in _NAMES}, **sliders)


def take_heat(given: dict[str, Any]) -> HeatOptions:
    """Remove the values of :data:`heat_options` from the parameters of a command and return them.

    Raises:
        IrTransferError: See :func:`~ir_transfer.conversion.heat.options.parse_heat`.
    """
    from ir_transfer.conversion.heat.options import parse_heat

    return parse_heat(given.pop("heat_texts"), given.pop("heat_weights"))
