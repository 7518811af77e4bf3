"""What a data set is asked to be and what was made; free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, Literal

from ir_transfer.conversion.options import Options, Summary
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.labels.frames import Orientation

Assign = Literal["random", "round-robin", "nearest"]

MAX_VARIANTS = 100
STRENGTH_STEP = 0.1
DARK = 0.25
"""Mean luma below which an image counts as taken by night."""

_TIMES = ("day", "night")
CARD_FOLDER = "_card"
CARD_NAME = "README.md"
PROBLEMS_NAME = "problems.txt"
"""All that is wrong with the labels of the source, a line each; the card and the command line show the first."""
HASHES_NAME = "labels.sha256"


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

    def holds(self, rel_path: PurePosixPath, image: DecodedImage) -> bool:
        """Return whether an image meets the condition."""
        if self.condition in _TIMES:
            return (float(image.gray().mean()) < DARK) == (self.condition == "night")
        return fnmatchcase(str(rel_path), self.condition)


@dataclass(frozen=True)
class DatasetOptions:
    """What ``ir-transfer dataset`` was asked for.

    Attributes:
        conversion: The root of the set as the one input, styles, model, files: as of a conversion.
        labels: Format of the labels, or ``"auto"``.
        orientation: Frame of the labels of images that EXIF turns.
        variants: Translations of each image, each in another style as long as there are some.
        assign: How an image gets its styles.
        rules: Images that get certain styles; the others get theirs by ``assign``.
        include_gray: Also write the plain luma of every image.
        flip_share: Share of the results that are turned to the other polarity.
        strengths: Each result draws its strength from this range, in steps of 0.1.
        shard: Which of how many parts of the images to make: (0, 4) is the first of four.
    """

    conversion: Options
    labels: str = "auto"
    orientation: Orientation = "auto"
    variants: int = 1
    assign: Assign = "random"
    rules: tuple[Rule, ...] = ()
    include_gray: bool = False
    flip_share: float = 0.0
    strengths: tuple[float, float] = (1.0, 1.0)
    shard: tuple[int, int] | None = None

    @property
    def page(self) -> int | None:
        """Which image of files with several is converted, from 1; the first of full size if None."""
        asked = self.conversion.raster.page
        return asked if isinstance(asked, int) else None

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range, or pages that labels cannot belong to."""
        if self.conversion.raster.page == "all":
            raise InputError("expected --page N, got all: the labels of an image belong to one of its pages")
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise InputError(f"expected --variants in 1..{MAX_VARIANTS}, got {self.variants}")
        if not 0 <= self.flip_share <= 1:
            raise InputError(f"expected --flip-polarity in 0..1, got {self.flip_share}")
        low, high = self.strengths
        if not 0 <= low <= high <= 1:
            raise InputError(f"expected --strength as LOW..HIGH in 0..1, got {low}..{high}")
        if self.shard is not None and not 0 <= self.shard[0] < self.shard[1]:
            raise InputError(f"expected --shard I/N with I in 1..N, got {self.shard[0] + 1}/{self.shard[1]}")

    def look(self) -> dict[str, Any]:
        """Return what decides the pixels besides a conversion's own options, for the manifest."""
        return {
            "variants": self.variants,
            "assign": self.assign,
            "rules": [rule.text for rule in self.rules],
            "include_gray": self.include_gray,
            "flip_polarity": self.flip_share,
            "strength": list(self.strengths),
            "orientation": self.orientation,
            **self.conversion.heat.look(),
        }


@dataclass
class DatasetSummary:
    """What was made.

    Attributes:
        run: Of the images.
        kind: Format of the labels.
        images: Of the source.
        label_files: Files that were written beside the images.
        problems: What is wrong with the source's labels, a line each.
        broken: What the check of the finished set found; nothing, unless there is a bug or a foreign hand.
    """

    run: Summary
    kind: str
    images: int
    label_files: int = 0
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


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
