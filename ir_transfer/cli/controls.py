"""Flags of ``convert`` that control the look beyond style and strength."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ir_transfer.conversion.controls import Controls

Command = TypeVar("Command", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)
_LARGEST_GRID = 16
_RANDOM = "random"


class _LayerWeights(click.ParamType["tuple[tuple[str, float], ...] | str"]):
    name = "weights"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[str, float], ...] | str:
        if value == _RANDOM:
            return _RANDOM
        pairs = [part.partition("=") for part in str(value).split(",")]
        try:
            return tuple((name.strip(), float(number)) for name, _, number in pairs)
        except ValueError:
            self.fail(f"expected LAYER=WEIGHT with commas between, or random, got {value!r}", param, ctx)


_OPTIONS = (
    click.option(
        "--keep-tone",
        is_flag=True,
        help="Keep the RGB image's order of bright and dark; take only the distribution of the result.",
    ),
    click.option(
        "--style-mask",
        "style_masks",
        type=_PATH,
        multiple=True,
        metavar="FILE|FOLDER",
        help="Where each --style goes: a gray image, white where it does, for all inputs, or a folder with one for "
        "each at its sub-folder and name. Repeat it, in the order of --style.",
    ),
    click.option(
        "--content-masks",
        type=_PATH,
        metavar="FILE|FOLDER",
        help="Label maps of the inputs, for models that take masks: colour or index PNG, YOLO outlines (.txt), or "
        "COCO's .json. A label takes the look of the exemplar's same label; 0 or black takes that of all of it.",
    ),
    click.option("--exemplar-masks", type=_PATH, metavar="FILE|FOLDER", help="Label maps of the exemplars."),
    click.option("--fit-masks", is_flag=True, help="Resize masks to their image; otherwise another size is an error."),
    click.option(
        "--style-grid",
        type=click.IntRange(2, _LARGEST_GRID),
        metavar="N",
        help="Write NAME_grid: N interpolations between 2 styles in a row, or N x N between 4.",
    ),
    click.option(
        "--layer-weights",
        type=_LayerWeights(),
        metavar="relu2_1=0.3,...",
        help="Sliders of model adjustable, 0 to 1: content.relu3_1, content.relu4_1, relu1_1 ... relu5_1; or random, "
        "by --seed.  [default: all 1]",
    ),
)
_NAMES = ("keep_tone", "style_masks", "content_masks", "exemplar_masks", "fit_masks", "style_grid")


def control_options(command: Command) -> Command:
    """Add the flags; :func:`take_controls` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_controls(given: dict[str, Any]) -> Controls:
    """Take the values of the flags out of what a command was given."""
    from ir_transfer.conversion.controls import Controls

    weights = given.pop("layer_weights")
    drawn = weights == _RANDOM
    sliders = {"random_layers": drawn, "layer_weights": () if drawn else weights or ()}
    return Controls(**{name: given.pop(name) for name in _NAMES}, **sliders)
