"""``--heat person=+0.2``: which objects become hotter or colder, and by how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ir_transfer.errors import InputError, UnknownNameError

PARTS: dict[str, tuple[float, float, float, float]] = {
    "head": (0.2, 0.0, 0.8, 0.2),
    "torso": (0.0, 0.2, 1.0, 0.6),
    "engine": (0.15, 0.35, 0.85, 0.85),
    "wheels": (0.0, 0.7, 1.0, 1.0),
}
"""Parts of an object as shares of its box: left, top, right, bottom. Labels do not say which way a car faces, so its
engine is the middle of what is seen of it."""

AUTO = "auto"
AUTO_PEOPLE = 0.2
"""Shift of people that ``--heat auto`` finds. Measured with adain-lwir on 30 hand-drawn boxes of RoadScene and VIFB:
people were 0.06 warmer than their surroundings in the translations, 0.16 in the true pictures, and 0.16 with +0.2; the
share of people that are clearly warmer went from 0.7 to 1.0 (true: 0.97)."""

AUTO_SHARES: dict[str, float] = {
    "person": 1.0,
    **dict.fromkeys(("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"), 0.75),
    **dict.fromkeys(("car", "motorcycle", "bus", "train", "truck", "airplane", "boat"), 0.1),
}
"""Shifts of what ``--heat auto`` finds, as shares of that of people. Animals: a guess, since fur insulates. Vehicles:
measured, the network makes them within 0.01 as warm as they were (12 cars, parked and driving). What has neither blood
nor an engine, such as a bicycle, is left as it is."""


@dataclass(frozen=True)
class HeatRule:
    """A shift of the apparent intensity of a class.

    Attributes:
        name: Of the class, as :func:`plain` returns it.
        part: One of :data:`PARTS`, or None for the whole object.
        shift: Share of the full range; above 0 is hotter.
    """

    name: str
    part: str | None
    shift: float

    @property
    def what(self) -> str:
        """The class and its part, as they may be typed."""
        return self.name if self.part is None else f"{self.name}.{self.part}"

    @property
    def text(self) -> str:
        """The rule as it may be typed."""
        return f"{self.what}={self.shift:+g}"


def plain(name: str) -> str:
    """Return the name of a class by which it is known whatever its case and whatever stands between its words."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def parse_heat(texts: Iterable[str]) -> tuple[tuple[HeatRule, ...], float | None]:
    """Return the rules of ``CLASS=SHIFT`` and ``CLASS.PART=SHIFT``, and the shift of people that are found.

    Args:
        texts: As typed. ``auto`` asks for objects to be found, ``auto=SHIFT`` with another shift for people, to which
            those of animals and vehicles keep their proportions.

    Returns:
        The rules, and the shift of ``auto`` or None.

    Raises:
        InputError: Another form, a shift outside -1..1, or one class and part twice.
    """
    rules: dict[str, HeatRule] = {}
    for text in texts:
        rule = HeatRule(AUTO, None, AUTO_PEOPLE) if plain(text) == AUTO else _parse(text)
        if rule.what in rules:
            raise InputError(f"expected --heat once for {rule.what}, got {rules[rule.what].text} and {text!r}")
        rules[rule.what] = rule
    auto = rules.pop(AUTO, None)
    return tuple(rules.values()), None if auto is None else auto.shift


def _parse(text: str) -> HeatRule:
    name, _, number = text.rpartition("=")
    try:
        shift = float(number)
    except ValueError:
        shift = float("nan")
    if not plain(name) or not -1 <= shift <= 1:
        raise InputError(f"expected --heat CLASS=SHIFT such as person=+0.2, with a shift in -1..1, got {text!r}")
    whole, _, part = name.rpartition(".")
    if plain(part) in PARTS and plain(whole):
        return HeatRule(plain(whole), plain(part), shift)
    return HeatRule(plain(name), None, shift)


def fit_rules(
    rules: Sequence[HeatRule], auto: float | None, classes: Sequence[str], found: Sequence[str]
) -> tuple[tuple[HeatRule, ...], tuple[HeatRule, ...]]:
    """Return the rules for labelled objects and those for objects that are found.

    Args:
        rules: As parsed.
        auto: Shift of people that are found; None finds none, so that all rules are for labels.
        classes: Of the labels.
        found: Classes that can be found. With ``auto`` a rule that names one replaces the shift that it has by itself.

    Raises:
        UnknownNameError: A rule for no class of either.
        InputError: A rule for labels where there are none.
    """
    labelled, seen = {plain(name) for name in classes}, set() if auto is None else {plain(name) for name in found}
    of_labels: list[HeatRule] = []
    of_found = {} if auto is None else {n: HeatRule(n, None, auto * share) for n, share in AUTO_SHARES.items()}
    for given in rules:
        # A class may be called "e.bike", and even "figure.head".
        rule = replace(given, name=given.what, part=None) if given.what in labelled | seen else given
        if rule.name in seen:
            of_found[rule.what] = rule
        elif rule.name in labelled:
            of_labels.append(rule)
        elif not labelled | seen:
            raise InputError(
                f"expected labelled objects for --heat {given.text}, got a set whose labels name none: "
                "use --heat auto, which finds people, vehicles and animals"
            )
        else:
            raise _unknown(rule, classes, sorted(seen))
    return tuple(of_labels), tuple(of_found.values())


def _unknown(rule: HeatRule, classes: Sequence[str], found: Sequence[str]) -> UnknownNameError:
    whole, _, part = rule.name.rpartition(".")
    if whole and whole in {*map(plain, classes), *found}:
        return UnknownNameError.among("part of an object", part, PARTS)
    return UnknownNameError.among("class of --heat", rule.name, {*classes, *found})
