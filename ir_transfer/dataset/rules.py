"""Rules that give certain images certain styles: night images get night exemplars."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage

DARK = 0.25
"""Mean luma below which an image counts as taken by night."""

_TIMES = ("day", "night")


@dataclass(frozen=True)
class Rule:
    """A condition and the style of the images that meet it.

    Attributes:
        condition: ``day``, ``night``, or a pattern of places such as ``night/*``.
        style: Index of the style.
        text: As it was typed.
    """

    condition: str
    style: int
    text: str

    def holds(self, place: PurePosixPath, image: DecodedImage) -> bool:
        """Return whether an image meets the condition."""
        if self.condition in _TIMES:
            return (float(image.gray().mean()) < DARK) == (self.condition == "night")
        return fnmatchcase(str(place), self.condition)


def parse_rules(texts: tuple[str, ...], styles: tuple[str, ...]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """Return the rules and the styles, those of rules that are not among them yet at the end.

    Args:
        texts: ``CONDITION=STYLE`` each.
        styles: As they were typed.

    Raises:
        InputError: Another form.
    """
    rules, known = [], list(styles)
    for text in texts:
        condition, equals, style = text.partition("=")
        if not condition or not equals or not style:
            raise InputError(f"expected --rule CONDITION=STYLE such as night=preset:lwir-road-night, got {text!r}")
        if style not in known:
            known.append(style)
        rules.append(Rule(condition, known.index(style), text))
    return tuple(rules), tuple(known)
