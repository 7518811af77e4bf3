"""Options of ``--heat``; does not import torch."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ir_transfer.conversion.heat.rules import (
    AUTO,
    AUTO_PEOPLE,
    CLASS_MAP,
    FINDERS,
    MASK_RCNN,
    HeatRule,
    parse_rule,
    parse_rules,
    plain,
    split_rules,
)
from ir_transfer.errors import InputError, UnknownNameError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HeatOptions:
    """Shifts of apparent intensity by class.

    Attributes:
        rules: Shifts of single classes.
        auto: Shift of detected people; the shifts of vehicles and animals are proportional to it. None for no automatic
            shifts.
        finder: Object finder, one of :data:`~ir_transfer.conversion.heat.rules.FINDERS`; None if not requested.
        weights: Weight file of Mask R-CNN; downloaded if None.
    """

    rules: tuple[HeatRule, ...] = ()
    auto: float | None = None
    finder: str | None = None
    weights: str | None = None

    @property
    def asked(self) -> bool:
        """Whether anything is to be shifted."""
        return bool(self.rules) or self.auto is not None

    def check(self) -> None:
        """Raise :class:`InputError` for weights of a detector that is not used."""
        if self.weights is not None and self.finder != MASK_RCNN:
            raise InputError(
                f"expected --heat auto:{MASK_RCNN} with --heat-weights {self.weights}, got another finder: add it"
            )

    def report_unused(self, images: int, shifted: int) -> None:
        """Warn if nothing was shifted in a whole run, since the results do not reveal this.

        Args:
            images: Number of images that the run converted.
            shifted: Number of those with an object of a class that is shifted.
        """
        if self.asked and images and not shifted:
            logger.warning(
                "expected objects of the classes of --heat in the images, got none in %d: nothing was shifted, "
                'see "found" in the manifest for the detected classes',
                images,
            )

    def settings(self) -> dict[str, Any]:
        """Return the options, for the manifest."""
        return {"heat": [rule.text for rule in self.rules], "heat_auto": self.auto}


NO_HEAT = HeatOptions()
"""Nothing is shifted."""


def parse_heat(texts: Iterable[str], weights: str | None = None) -> HeatOptions:
    """Parse the values of ``--heat``.

    Args:
        texts: ``CLASS[.PART]=SHIFT`` and at most one of ``auto``, ``auto:FINDER``, ``auto=SHIFT`` and
            ``auto:FINDER=SHIFT``; one text may contain several, separated by commas.
        weights: See :class:`HeatOptions`.

    Raises:
        InputError: Invalid syntax, a shift outside -1..1, or a duplicate.
        UnknownNameError: An unknown finder.
    """
    own: list[str] = []
    rules: list[str] = []
    for part in (part for text in texts for part in split_rules(text)):
        (own if _is_auto(part) else rules).append(part)
    if len(own) > 1:
        raise InputError(f"expected --heat {AUTO} once, got {' and '.join(own)}: omit one")
    if not own:
        return HeatOptions(parse_rules(rules), weights=weights)
    what, equals, _ = own[0].partition("=")
    _, colon, finder = plain(what).partition(":")
    if colon and finder not in map(plain, FINDERS):
        raise UnknownNameError.among("finder of --heat auto", finder, FINDERS)
    shift = parse_rule(own[0]).shift if equals else AUTO_PEOPLE
    chosen = MASK_RCNN if finder == MASK_RCNN else CLASS_MAP
    return HeatOptions(parse_rules(rules), shift, chosen, weights)


def _is_auto(text: str) -> bool:
    name = plain(text.partition("=")[0])
    return name == AUTO or name.startswith(f"{AUTO}:")
