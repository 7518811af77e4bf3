"""``--heat person=+0.2``: which objects become hotter or colder, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

from ir_transfer.errors import InputError, UnknownNameError

PARTS: dict[str, tuple[float, float, float, float]] = {
    "head": (0.2, 0.0, 0.8, 0.2),
    "torso": (0.0, 0.2, 1.0, 0.6),
    "engine": (0.15, 0.35, 0.85, 0.85),
    "wheels": (0.0, 0.7, 1.0, 1.0),
}
"""Parts of an object as shares of its box: left, top, right, bottom. Labels do not say which way a car faces, so its
engine is the middle of what is seen of it."""


@dataclass(frozen=True)
class HeatRule:
    """A shift of the apparent intensity of a class.

    Attributes:
        name: Of the class, in any case.
        part: One of :data:`PARTS`, or None for the whole object.
        shift: Share of the full range; above 0 is hotter.
    """

    name: str
    part: str | None
    shift: float

    @property
    def text(self) -> str:
        """The rule as it may be typed."""
        return f"{self.name}{'.' + self.part if self.part else ''}={self.shift:+g}"


def parse_heat_rule(text: str) -> HeatRule:
    """Return the rule of ``CLASS=SHIFT`` or ``CLASS.PART=SHIFT``.

    Raises:
        InputError: Another form, or a shift outside -1..1.
        UnknownNameError: No such part.
    """
    name, equals, number = text.rpartition("=")
    try:
        shift = float(number)
    except ValueError:
        shift = float("nan")
    if not name or not equals or not -1 <= shift <= 1:
        raise InputError(f"expected --heat CLASS=SHIFT such as person=+0.2, with a shift in -1..1, got {text!r}")
    whole, dot, part = name.rpartition(".")
    if not dot:
        return HeatRule(name.lower(), None, shift)
    if part not in PARTS:
        raise UnknownNameError.among("part of an object", part, PARTS)
    return HeatRule(whole.lower(), part, shift)
