"""``--heat person=+0.2``: which objects become hotter or colder, and by how much."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

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
CLASS_MAP, MASK_RCNN = "class-map", "maskrcnn"
FINDERS = (CLASS_MAP, MASK_RCNN)
"""Who finds objects: the content encoder's class map, or torchvision's Mask R-CNN."""

AUTO_PEOPLE = 0.2
"""Shift of people that ``--heat auto`` finds. Measured with adain-lwir on 30 hand-drawn boxes of RoadScene and VIFB:
people were 0.06 warmer than their surroundings in the translations, 0.16 in the true images, and 0.16 with +0.2; the
share of people that are clearly warmer went from 0.7 to 1.0 (true: 0.97)."""

AUTO_SHARES: dict[str, float] = {
    "person": 1.0,
    **dict.fromkeys(("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"), 0.75),
    **dict.fromkeys(("vehicle", "car", "motorcycle", "bus", "train", "truck", "airplane", "boat"), 0.1),
}
"""Shifts of what ``--heat auto`` finds, as shares of that of people. Animals: a guess, since fur insulates. Vehicles:
measured, the network makes them within 0.01 as warm as they were (12 cars, parked and driving). What has neither blood
nor an engine, such as a bicycle, is left as it is, and so are two-wheelers, most of which are bicycles."""

MAP_CLASSES = ("person", "two-wheeler", "vehicle")
"""What the class map finds."""

ALIASES: dict[str, str] = {
    **dict.fromkeys(("people", "pedestrian", "human"), "person"),
    **dict.fromkeys(("bicycle", "bike", "motorcycle", "motorbike", "cyclist"), "two wheeler"),
    **dict.fromkeys(("car", "truck", "bus", "van"), "vehicle"),
}
"""Other names of what the class map finds, as :func:`plain` returns them."""


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


def parse_rules(texts: Iterable[str]) -> tuple[HeatRule, ...]:
    """Return the rules of ``CLASS=SHIFT`` and ``CLASS.PART=SHIFT``, one a text.

    Raises:
        InputError: Another form, a shift outside -1..1, or one class and part twice.
    """
    rules: dict[str, HeatRule] = {}
    for rule in map(parse_rule, texts):
        if rule.what in rules:
            raise InputError(f"expected --heat once for {rule.what}, got {rules[rule.what].text} and {rule.text}")
        rules[rule.what] = rule
    return tuple(rules.values())


def parse_rule(text: str) -> HeatRule:
    """Return the rule of one ``CLASS=SHIFT`` or ``CLASS.PART=SHIFT``.

    Raises:
        InputError: Another form, or a shift outside -1..1.
    """
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


def split_rules(text: str) -> list[str]:
    """Return what stands between commas that end a rule: commas in the name of a class do not."""
    return re.sub(r"(=[-+.\d]+),", "\\1\0", text).split("\0")


def fit_rules(
    rules: Sequence[HeatRule],
    auto: float | None,
    classes: Sequence[str],
    found: Sequence[str],
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> tuple[tuple[HeatRule, ...], tuple[HeatRule, ...]]:
    """Return the rules for labelled objects and those for objects that are found.

    Args:
        rules: As parsed.
        auto: Shift of people that are found, to which those of others keep their proportions; None shifts of what is
            found only that which a rule names.
        classes: Of the labels.
        found: Classes that can be found; a rule that names one replaces the shift that it has by itself.
        aliases: Other names of these, which a class of the labels of the same name goes before.

    Raises:
        UnknownNameError: A rule for no class of either.
        InputError: A rule for labels where there are none, or two rules for what is found as one class.
    """
    labelled, seen = {plain(name) for name in classes}, {plain(name) for name in found}
    shares = {} if auto is None else {plain(n): auto * share for n, share in AUTO_SHARES.items() if plain(n) in seen}
    of_labels: list[HeatRule] = []
    of_found: dict[str, HeatRule] = {}
    for given in rules:
        # A class may be called "e.bike", and even "figure.head".
        rule = replace(given, name=given.what, part=None) if given.what in labelled | seen else given
        if rule.name in labelled and rule.name not in seen:
            of_labels.append(rule)
        elif (rule := replace(rule, name=aliases.get(rule.name, rule.name))).name in seen:
            if rule.what in of_found:
                raise InputError(
                    f"expected --heat once for {rule.what}, got it twice: {given.name} is found as {rule.name}"
                )
            of_found[rule.what] = rule
        elif not labelled | seen:
            raise InputError(
                f"expected labelled objects for --heat {given.text}, got a set whose labels name none: "
                "use --heat auto, which finds people and vehicles"
            )
        else:
            raise _unknown(rule, classes, sorted(seen))
    by_itself = {name: HeatRule(name, None, shift) for name, shift in shares.items()}
    return tuple(of_labels), tuple({**by_itself, **of_found}.values())


def _unknown(rule: HeatRule, classes: Sequence[str], found: Sequence[str]) -> UnknownNameError:
    whole, _, part = rule.name.rpartition(".")
    if whole and whole in {*map(plain, classes), *found}:
        return UnknownNameError.among("part of an object", part, PARTS)
    return UnknownNameError.among("class of --heat", rule.name, {*classes, *found})
