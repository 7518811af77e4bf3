"""Dataset cards: layout, licence and source of a public data set.

A card is a YAML file in ``datasets/`` whose keys are the fields of :class:`Card`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.errors import InputError
from ir_transfer.resources import bundled_names, yaml_file
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
    """Where the images are stored. Patterns are those of :mod:`ir_transfer.data.name_patterns`, relative to the root.

    Attributes:
        kind: ``two-files``: a pair is two files whose patterns agree in every field, which covers folders by stem,
            ``trainA``/``trainB`` and rules that replace a part of the name. ``side-by-side``: both images in one
            file. ``bands``: one file with the bands of both. ``list``: text files name the pairs. ``unpaired``: the
            images of the two sides do not correspond, or there are no RGB images.
        rgb: Pattern of the RGB images.
        ir: Pattern of the infrared files.
        files: Pattern of the files that hold both.
        rgb_side: Half of such a file with the RGB image.
        rgb_bands: Numbers of the red, green and blue band, from 1.
        ir_band: Number of the infrared band.
        white: Level for 1.0, for files that use only a part of their range; by default the largest of the type.
        lists: Pattern of the list files.
        line: Pattern of a line, whose fields name the two files; without it, a line has the two paths.
        border: Pixels without content on every side, cropped on loading.
        example: Values of the fields in real names, for synthetic copies of the data set.
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
            InputError: The layout has no pattern of that key.
        """
        text = getattr(self, key)
        if text is None:
            raise InputError(f"expected the pattern {key!r} in a layout of kind {self.kind!r}, found none")
        return NamePattern(text)


@dataclass(frozen=True)
class Alignment:
    """How well the two images of a pair are registered.

    Attributes:
        pixels: Offset in pixels that ``datasets check`` tolerates; None if not registered or unknown.
        note: Description.
    """

    pixels: float | None
    note: str


@dataclass(frozen=True)
class Splits:
    """How the pairs are split.

    Attributes:
        published: The subsets that the authors published.
        scene: Regular expression for the name of a pair; its groups match the scene, and a scene is never divided. None
            if names do not contain the scene.
        note: Remarks on splitting.
    """

    published: str
    scene: str | None
    note: str = ""


@dataclass(frozen=True)
class Labels:
    """Label images, whose levels are classes.

    Attributes:
        masks: Pattern of their files, with the fields of a pair.
        names: Names of the classes that are objects, by level.
    """

    masks: str
    names: dict[int, str]


@dataclass(frozen=True)
class Card:
    """A data set. Facts that could not be established are ``unknown``.

    Attributes:
        name: Name of the card's file without suffix.
        title: Title of the data set.
        summary: One sentence.
        homepage: URL of its publication.
        obtain: How to get it, step by step.
        licence: Licence as its authors state it.
        forbids: Uses that the licence forbids.
        citation: Citation that the authors ask for.
        band: Spectral band of the infrared images.
        bit_depth: Bits per level of the infrared files.
        polarity: ``white-hot``: warm is bright. ``reflected``: surfaces that reflect the band are bright.
        range: Meaning of a level.
        alignment: Registration of the two sides.
        content: Content of the images.
        sizes: Sizes of the images.
        pairs: Number of pairs; None if unknown or unpaired.
        layout: Where the images are stored.
        pairing: How the files of a pair are matched, in words.
        splits: How the pairs are split.
        notes: Known problems of the data set.
        labels: Semantic labels of every pixel, if there are any.
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
        """Whether every RGB image has an infrared image."""
        return self.layout.kind != "unpaired"

    def scene_of(self, name: str) -> str | None:
        """Return the scene of a pair by its name; None if names do not contain the scene."""
        return scene_by(self.splits.scene, name) if self.splits.scene else None


def scene_by(pattern: str, name: str) -> str | None:
    """Return the match of a regular expression's groups (or of all of it) in a name; None without a match."""
    match = re.search(pattern, name)
    return None if match is None else "_".join(match.groups("")) or match[0]


def list_cards() -> list[str]:
    """Return the names of the bundled cards."""
    return bundled_names("datasets")


def load_card(name: str | Path) -> Card:
    """Read a bundled card by name, or any card by its path (which ends in ``.yaml`` or ``.yml``).

    Raises:
        UnknownNameError: No card of that name (the message lists the closest ones), or an unknown key.
        MissingFileError: No such file.
        InputError: A value of the wrong type, or a layout whose keys do not fit its kind.
    """
    path = yaml_file(name, "datasets", "dataset card")
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
