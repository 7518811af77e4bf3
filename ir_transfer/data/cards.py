"""Dataset cards: what lies where in a public data set, what may be done with it, and where to get it.

A card is a YAML file in ``datasets/`` that mirrors :class:`Card` one to one. Importing this module and reading every
card is cheap, so that listing them is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.resources import resource
from ir_transfer.yaml_fields import fill, read_mapping

GENERIC = "generic-paired"

LayoutKind = Literal["two-files", "side-by-side", "bands", "list", "unpaired"]
Band = Literal["any", "lwir", "mwir", "swir", "nir"]
Polarity = Literal["white-hot", "black-hot", "reflected", "varies", "unknown"]

# kind -> the keys it needs; every other pattern key must be absent
_NEEDS: dict[str, frozenset[str]] = {
    "two-files": frozenset({"rgb", "ir"}),
    "side-by-side": frozenset({"files", "rgb_side"}),
    "bands": frozenset({"files", "rgb_bands", "ir_band"}),
    "list": frozenset({"lists"}),
    "unpaired": frozenset({"ir"}),
}
_MAY: dict[str, frozenset[str]] = {"list": frozenset({"line", "rgb", "ir"}), "unpaired": frozenset({"rgb"})}


@dataclass(frozen=True)
class Layout:
    """Where the images lie. Patterns are those of :mod:`ir_transfer.data.name_patterns`, relative to the root.

    Attributes:
        kind: ``two-files``: a pair is two files whose patterns agree in every field, which covers folders by stem,
            ``trainA``/``trainB`` and rules that replace a part of the name. ``side-by-side``: both images in one
            file. ``bands``: one file with the bands of both. ``list``: text files name the pairs. ``unpaired``: the
            two sides do not belong together frame by frame, or there are no RGB images.
        rgb: Pattern of the RGB images.
        ir: Pattern of the infrared files.
        files: Pattern of the files that hold both.
        rgb_side: Which half of such a file is the RGB image.
        rgb_bands: Numbers of the red, green and blue band, from 1.
        ir_band: Number of the infrared band.
        white: Level that stands for 1.0, for files that use a part of their range only; the file's own by default.
        lists: Pattern of the list files.
        line: Pattern of a line, whose fields name the two files; without it, a line is the two paths.
        border: Pixels without content on every side, cut off on loading.
        example: Texts of the fields in real names; what renders a stand-in of the data set lays them out.
    """

    kind: LayoutKind
    rgb: str | None = None
    ir: str | None = None
    files: str | None = None
    rgb_side: Literal["left", "right", "top", "bottom"] | None = None
    rgb_bands: list[int] = field(default_factory=list, hash=False)
    ir_band: int | None = None
    white: float | None = None
    lists: str | None = None
    line: str | None = None
    border: int = 0
    example: dict[str, list[str]] = field(default_factory=dict, hash=False)

    def pattern(self, key: Literal["rgb", "ir", "files", "lists", "line"]) -> NamePattern:
        """Return one of the patterns.

        Raises:
            InputError: The layout has none of that key.
        """
        text = getattr(self, key)
        if text is None:
            raise InputError(f"expected the pattern {key!r} in a layout of kind {self.kind!r}, found none")
        return NamePattern(text)


@dataclass(frozen=True)
class Alignment:
    """How well the two images of a pair are registered.

    Attributes:
        pixels: What ``datasets check`` tolerates; None where they are not registered or it is not known.
        note: In words.
    """

    pixels: float | None
    note: str


@dataclass(frozen=True)
class Splits:
    """Parts that are kept apart.

    Attributes:
        published: The parts that the authors made.
        scene: Regular expression over the name of a pair; what its groups match is the scene, and a scene is never
            divided. None where names do not tell.
        note: What to mind.
    """

    published: str
    scene: str | None
    note: str = ""


@dataclass(frozen=True)
class Labels:
    """Images whose levels are labels.

    Attributes:
        masks: Pattern of their files, with the fields of a pair.
        names: Names of the levels that are objects.
    """

    masks: str
    names: dict[int, str]


@dataclass(frozen=True)
class Card:
    """A data set. A fact that could not be established reads ``unknown``.

    Attributes:
        name: That of the card's file.
        title: That of the data set.
        summary: One sentence.
        homepage: Where it is published.
        obtain: How to get it, step by step.
        licence: What its authors state.
        forbids: What the licence forbids.
        citation: How the authors want to be named.
        band: Of the infrared images.
        bit_depth: Of the infrared files.
        polarity: ``white-hot``: warm is bright. ``reflected``: what the band reflects is bright.
        range: What a level means.
        alignment: How well the two sides fit.
        content: What is shown.
        sizes: Of the images.
        pairs: How many; None where unknown or there are none.
        layout: Where the images lie.
        pairing: What makes two files a pair, in words.
        splits: Parts that are kept apart.
        notes: What a user would otherwise find out too late.
        labels: Labels of every pixel, if there are any.
    """

    name: str
    title: str
    summary: str
    homepage: str | None
    obtain: str
    licence: str
    forbids: list[str]
    citation: str | None
    band: Band
    bit_depth: Literal[8, 16, "8 or 16", "unknown"]
    polarity: Polarity
    range: str
    alignment: Alignment
    content: str
    sizes: str
    pairs: int | None
    layout: Layout
    pairing: str
    splits: Splits
    notes: str = ""
    labels: Labels | None = None

    @property
    def is_paired(self) -> bool:
        """Whether an RGB image has an infrared image of its own."""
        return self.layout.kind != "unpaired"

    def scene_of(self, name: str) -> str | None:
        """Return the scene of a pair by its name; None where names do not tell."""
        return scene_by(self.splits.scene, name) if self.splits.scene else None


def scene_by(pattern: str, name: str) -> str | None:
    """Return what the groups of a regular expression (or all of it) match in a name; None if it does not fit."""
    match = re.search(pattern, name)
    return None if match is None else "_".join(match.groups("")) or match[0]


def list_cards() -> list[str]:
    """Return the names of the shipped cards."""
    return sorted(path.stem for path in resource("datasets").glob("*.yaml"))


def load_card(name: str | Path) -> Card:
    """Read a shipped card by name, or any by the path of its file (which ends in ``.yaml``).

    Raises:
        UnknownNameError: No card of that name; the message has the closest ones. Or an unknown key.
        MissingFileError: No such file.
        InputError: A value of the wrong type, or a layout whose keys do not fit its kind.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        if str(name) not in (known := list_cards()):
            raise UnknownNameError.among("dataset card", str(name), known)
        path = resource("datasets") / f"{name}.yaml"
    card = fill(Card, read_mapping(path, "dataset card", "see ir-transfer datasets list"), str(path))
    if card.name != path.stem:
        raise InputError(f"expected {path}: name to be that of the file, {path.stem!r}, got {card.name!r}")
    _check_layout(card.layout, f"{path}: layout")
    _check_scene(card.splits.scene, f"{path}: splits: scene")
    _check_labels(card, f"{path}: labels")
    return card


def _check_layout(layout: Layout, where: str) -> None:
    needed = _NEEDS[layout.kind]
    allowed = needed | _MAY.get(layout.kind, frozenset())
    keys = ("rgb", "ir", "files", "rgb_side", "rgb_bands", "ir_band", "lists", "line")
    there = {key for key in keys if getattr(layout, key)}
    if missing := sorted(needed - there):
        raise InputError(f"expected the key {missing[0]!r} in {where} of kind {layout.kind!r}, found none")
    if extra := sorted(there - allowed):
        raise InputError(f"expected no key {extra[0]!r} in {where} of kind {layout.kind!r}: remove it")
    for text in (layout.rgb, layout.ir, layout.files, layout.lists, layout.line):
        if text is not None:
            NamePattern(text)
    if layout.rgb_bands and len(layout.rgb_bands) != 3:
        raise InputError(f"expected three numbers at {where}: rgb_bands, got {layout.rgb_bands}")
    if layout.line is not None and not (layout.rgb and layout.ir):
        raise InputError(f"expected the keys 'rgb' and 'ir' in {where}, which has 'line': its fields name these files")
    if layout.kind == "two-files":
        ours, theirs = sorted(layout.pattern("rgb").fields), sorted(layout.pattern("ir").fields)
        if ours != theirs:
            raise InputError(f"expected {where}: rgb and ir to have the same fields, got {ours} and {theirs}")


def _check_labels(card: Card, where: str) -> None:
    if card.labels is None:
        return
    text = card.layout.rgb or card.layout.files
    fields = () if text is None else NamePattern(text).fields
    if fields != NamePattern(card.labels.masks).fields:
        raise InputError(f"expected {where}: masks to have the fields {list(fields)} of a pair in their order")
    if odd := [level for level in card.labels.names if not isinstance(level, int)]:
        raise InputError(f"expected numbers as keys at {where}: names, got {odd[0]!r}")


def _check_scene(pattern: str | None, where: str) -> None:
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise InputError(f"expected a regular expression at {where}, got {pattern!r}: {error}") from error
