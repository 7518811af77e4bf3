"""What a data set is asked to be and what was made; free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ir_transfer.conversion.options import Options, Summary
from ir_transfer.dataset.rules import Rule
from ir_transfer.errors import InputError
from ir_transfer.labels.frames import Orientation

Assign = Literal["random", "round-robin", "nearest"]

MOST_VARIANTS = 100
STRENGTH_STEP = 0.1


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
        if not 1 <= self.variants <= MOST_VARIANTS:
            raise InputError(f"expected --variants in 1..{MOST_VARIANTS}, got {self.variants}")
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
            **self.conversion.heat.settings(),
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
