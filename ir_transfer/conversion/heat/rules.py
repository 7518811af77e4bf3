"""Rules of ``--heat``, such as ``person=+0.2``: shifts of apparent intensity by class."""

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
"""Parts of an object as shares of its box: left, top, right, bottom. Labels do not contain the direction of a car, so
its engine is assumed in the middle of its box."""

AUTO = "auto"
CLASS_MAP, MASK_RCNN = "class-map", "maskrcnn"
FINDERS = (CLASS_MAP, MASK_RCNN)
"""Object finders: the class map of the content encoder, or torchvision's Mask R-CNN."""

AUTO_PEOPLE = 0.2
"""Shift of people that ``--heat auto`` finds. Measured with adain-lwir on 30 hand-drawn boxes of RoadScene and VIFB:
people were 0.06 warmer than their surroundings in the translations, 0.16 in the true images, and 0.16 with +0.2; the
share of people that are clearly warmer went from 0.7 to 1.0 (true: 0.97)."""

AUTO_SHARES: dict[str, float] = {
    "person": 1.0,
    **dict.fromkeys(("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"), 0.75),
    **dict.fromkeys(("vehicle", "car", "motorcycle", "bus", "train", "truck", "airplane", "boat"), 0.1),
}
"""Shifts of objects found by ``--heat auto``, relative to that of people. Animals: a guess, since fur insulates.
Vehicles: the network reproduces their intensity within 0.01 (measured on 12 cars, parked and driving). Objects without
body heat or an engine are not shifted, nor are two-wheelers, most of which are bicycles."""

MAP_CLASSES = ("person", "two-wheeler", "vehicle")
"""Classes that the class map finds."""

ALIASES: dict[str, str] = {
    **dict.fromkeys(("people", "pedestrian", "human"), "person"),
    **dict.fromkeys(("bicycle", "bike", "motorcycle", "motorbike", "cyclist"), "two wheeler"),
    **dict.fromkeys(("car", "truck", "bus", "van"), "vehicle"),
}
"""Other names of the classes that the class map finds, as :func:`plain` returns them."""


@dataclass(frozen=True)
class HeatRule:
    """A shift of the apparent intensity of a class.

    Attributes:
        name: Name of the class, as :func:`plain` returns it.
        part: One of :data:`PARTS`, or None for the whole object.
        shift: Shift relative to the full range; positive is hotter.
    """

    name: str
    part: str | None
    shift: float

    @property
    def what(self) -> str:
        """Class and part in the syntax of ``--heat``."""
        return self.name if self.part is None else f"{self.name}.{self.part}"

    @property
    def text(self) -> str:
        """The rule in the syntax of ``--heat``."""
        return f"{self.what}={self.shift:+g}"


def plain(name: str) -> str:
    """Normalise a class name: lower case, and single spaces in place of hyphens and underscores."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def parse_rules(texts: Iterable[str]) -> tuple[HeatRule, ...]:
    """Parse rules ``CLASS=SHIFT`` and ``CLASS.PART=SHIFT``, one per text.

    Raises:
        InputError: Invalid syntax, a shift outside -1..1, or a duplicate class and part.
    """
    rules: dict[str, HeatRule] = {}
    for rule in map(parse_rule, texts):
        if rule.what in rules:
            raise InputError(f"expected --heat once for {rule.what}, got {rules[rule.what].text} and {rule.text}")
        rules[rule.what] = rule
    return tuple(rules.values())


def parse_rule(text: str) -> HeatRule:
    """Parse one ``CLASS=SHIFT`` or ``CLASS.PART=SHIFT``.

    Raises:
        InputError: Invalid syntax, or a shift outside -1..1.
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
    """Split a text at commas after a shift; commas in class names are kept."""
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
        rules: Parsed rules.
        auto: Shift of people that are found, to which those of other classes are proportional; None shifts found
            objects only by rules.
        classes: Classes of the labels.
        found: Classes that can be found; a rule for one of them replaces its automatic shift.
        aliases: Other names of these; a label class of the same name takes precedence.

    Raises:
        UnknownNameError: A rule for an unknown class.
        InputError: A rule for labels without any label classes, or two rules for one found class.
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
                f"expected labelled objects for --heat {given.text}, got a data set without any: "
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
