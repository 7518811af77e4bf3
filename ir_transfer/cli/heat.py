"""``--heat``: objects made hotter or colder, for ``convert``, ``video`` and ``dataset`` alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ir_transfer.conversion.heat.options import HeatOptions

Command = TypeVar("Command", bound=Callable[..., Any])


def heat_options(command: Command) -> Command:
    """Add ``--heat`` and ``--heat-weights``; see :func:`take_heat`."""
    heat = (
        "Make objects hotter or colder by a share of the range, such as person=+0.2 or car.engine=+0.1: those that are "
        "labelled, in a data set, else those of the network's class map (person, two-wheeler, vehicle). auto finds "
        "people and vehicles there by itself, auto:maskrcnn also animals. May be repeated."
    )
    weights = "Weights of --heat auto:maskrcnn: torchvision's maskrcnn_resnet50_fpn_v2.  [default: downloaded]"
    for option in (
        click.option("--heat-weights", type=click.Path(), metavar="FILE", help=weights),
        click.option(
            "--heat",
            "heat_texts",
            multiple=True,
            metavar="CLASS[.PART]=SHIFT|auto[:maskrcnn][=SHIFT]",
            help=heat,
        ),
    ):
        command = option(command)
    return command


def take_heat(given: dict[str, Any]) -> HeatOptions:
    """Take what ``--heat`` and ``--heat-weights`` were given out of all that was.

    Raises:
        IrTransferError: See :func:`~ir_transfer.conversion.heat.options.parse_heat`.
    """
    from ir_transfer.conversion.heat.options import parse_heat

    return parse_heat(given.pop("heat_texts"), given.pop("heat_weights"))
