"""What was found in an exemplar's file and what was taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["8 bit", "16 bit", "counts", "centikelvin", "Kelvin", "Celsius", "unit", "palette", "own palette"]


@dataclass(frozen=True)
class RangeTaken:
    """The numbers of the file that the black and white of an exemplar stand for.

    Attributes:
        low: Becomes 0.
        high: Becomes 1.
        unit: Of both; ``"unit"`` is a float in [0, 1], ``"palette"`` a share of a
            palette's length, ``"own palette"`` of that part of it which the image has.
        guessed: Whether the unit was guessed from the values alone.
        stretched: Whether this is less or more than the container's own range.
    """

    low: float
    high: float
    unit: Unit
    guessed: bool = False
    stretched: bool = False

    def __str__(self) -> str:
        """Return the range as people write it."""
        guess = " (unit guessed)" if self.guessed else ""
        return f"{self.low:.6g} to {self.high:.6g} {self.unit}{guess}"


@dataclass(frozen=True)
class ExemplarReport:
    """What was found in an exemplar's file.

    Attributes:
        file: Name of the file, without its folder.
        width: Columns.
        height: Rows.
        taken: The range that was taken.
        palette: Name of the colour palette that was mapped back; None for a gray image.
        left_out: Share of the pixels that do not count for the look, in [0, 1], by reason.
        radiometric: Where the raw thermal values came from; None if the rendered image was taken.
        mean: Of the valid intensities, in [0, 1].
        deviation: Their standard deviation.
        notes: What else to tell: what a radiometric file could not give.
    """

    file: str
    width: int
    height: int
    taken: RangeTaken
    palette: str | None = None
    left_out: Mapping[str, float] = field(default_factory=dict)
    radiometric: str | None = None
    mean: float = 0.0
    deviation: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the file was taken as it is, so that there is nothing to tell."""
        found = self.palette, self.radiometric, *self.left_out, *self.notes
        return not (self.taken.stretched or any(found))

    @property
    def line(self) -> str:
        """All of it on one line, behind the file's name."""
        parts = [f"range {self.taken}"]
        if self.radiometric is not None:
            parts.append(f"radiometric values by {self.radiometric}")
        if self.palette is not None:
            parts.append(f"palette {self.palette} mapped back")
        parts += [f"{share:.1%} left out ({reason})" for reason, share in self.left_out.items()]
        return "; ".join([*parts, *self.notes])

    def record(self) -> dict[str, Any]:
        """Return what decides the pixels, as JSON has it, for manifests and style files."""
        fields = asdict(self)
        taken = fields.pop("taken")
        fields.pop("notes")
        return {**fields, "left_out": dict(fields["left_out"]), "range": taken}


@dataclass(frozen=True)
class ReadExemplar:
    """An exemplar as it was read.

    Attributes:
        intensity: float32 (h, w) in [0, 1]; where ``valid`` is false it means nothing.
        valid: Pixels that count for the look, (h, w); None if all do.
        report: What was found.
    """

    intensity: NDArray[np.float32]
    valid: NDArray[np.bool_] | None
    report: ExemplarReport
