"""Options and summary of a generated set, and the names of its own files; imports no torch."""

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
"""Mean luma in [0, 1] below which an image counts as taken at night."""

_TIMES = ("day", "night")
CARD_FOLDER = "_card"
CARD_NAME = "README.md"
PROBLEMS_NAME = "problems.txt"
"""Problems with the labels of the source, one line each; the card and the command line show the first ones."""
HASHES_NAME = "labels.sha256"


@dataclass(frozen=True)
class Rule:
    """A condition and the style of the images that meet it.

    Attributes:
        condition: ``day``, ``night``, or a pattern of paths such as ``night/*``.
        style: Index of the style.
        text: Rule as given on the command line.
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
    """Options of ``ir-transfer dataset``.

    Attributes:
        conversion: Options of the conversion, with the root of the set as the only input.
        labels: Label format, or ``"auto"``.
        orientation: Frame of the labels of images with an EXIF orientation.
        variants: Results per image, in different styles while the number of styles allows.
        assign: How styles are assigned to images.
        rules: Styles by condition; they take precedence over ``assign``.
        include_gray: Also write the plain luma of each image.
        flip_share: Share of the results with inverted polarity, in [0, 1].
        strengths: Range in [0, 1] from which the strength of each result is drawn, in steps of 0.1.
        shard: Index and number of shards: (0, 4) is the first of four.
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
        """Page of multi-page files to convert, from 1; the first of full size if None."""
        asked = self.conversion.raster.page
        return asked if isinstance(asked, int) else None

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of range, or ``--page all``."""
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

    def settings(self) -> dict[str, Any]:
        """Return the options that affect the pixels beyond those of a conversion, for the manifest."""
        return {
            "variants": self.variants,
            "assign": self.assign,
            "rules": [rule.text for rule in self.rules],
            "include_gray": self.include_gray,
            "flip_polarity": self.flip_share,
            "strength": list(self.strengths),
            "orientation": self.orientation,
            **self.conversion.heat.settings(),
        }


@dataclass
class DatasetSummary:
    """Summary of a generated set.

    Attributes:
        run: Summary of the converted images.
        kind: Label format.
        images: Number of images of the source.
        label_files: Number of written label and side files.
        problems: Problems with the labels of the source, one line each.
        broken: Differences between written labels and those of the source, one line each; empty unless there is a bug
            or the files were changed during the run.
    """

    run: Summary
    kind: str
    images: int
    label_files: int = 0
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def parse_rules(texts: tuple[str, ...], styles: tuple[str, ...]) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """Return the rules and the styles, with styles that only rules name appended.

    Args:
        texts: Rules as ``CONDITION=STYLE``.
        styles: Styles as given on the command line.

    Raises:
        InputError: A rule has another form.
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
