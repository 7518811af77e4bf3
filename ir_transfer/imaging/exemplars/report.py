"""Report on how a style exemplar was read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["8 bit", "16 bit", "counts", "centikelvin", "Kelvin", "Celsius", "unit", "palette", "own palette"]


@dataclass(frozen=True)
class RangeTaken:
    """The numbers of the file for black and white of an exemplar.

    Attributes:
        low: The number for 0.
        high: The number for 1.
        unit: Unit of both; ``"unit"`` is a float in [0, 1], ``"palette"`` a share of a palette's length, ``"own
            palette"`` a share of the part that the image uses.
        guessed: Whether the unit was guessed from the values.
        stretched: Whether the range differs from that of the type.
    """

    low: float
    high: float
    unit: Unit
    guessed: bool = False
    stretched: bool = False

    def __str__(self) -> str:
        """Return the range as text."""
        guess = " (unit guessed)" if self.guessed else ""
        return f"{self.low:.6g} to {self.high:.6g} {self.unit}{guess}"


@dataclass(frozen=True)
class ExemplarReport:
    """How the file of an exemplar was read.

    Attributes:
        file: Name of the file, without its folder.
        width: Columns.
        height: Rows.
        taken: The range that was applied.
        palette: Name of the colour palette that was mapped back; None for a gray image.
        left_out: Share of the pixels that are ignored, in [0, 1], by reason.
        radiometric: Reader of the raw thermal values; None if the rendered image was used.
        mean: Mean of the valid intensities, in [0, 1].
        deviation: Their standard deviation.
        notes: Further notes, for example on a radiometric file that could not be read.
        pages: Number of the image that was taken, from 1, and their count, in a file with several; else None.
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
    pages: tuple[int, int] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the file was used unchanged, so that there is nothing to report."""
        found = self.palette, self.radiometric, *self.left_out, *self.notes
        return not (self.taken.stretched or any(found))

    @property
    def line(self) -> str:
        """The report on one line, without the file's name."""
        parts = [f"range {self.taken}"]
        if self.radiometric is not None:
            parts.append(f"radiometric values by {self.radiometric}")
        if self.palette is not None:
            parts.append(f"palette {self.palette} mapped back")
        parts += [f"{share:.1%} ignored ({reason})" for reason, share in self.left_out.items()]
        return "; ".join([*parts, *self.notes])

    def record(self) -> dict[str, Any]:
        """Return all fields that affect the pixels, as JSON values, for manifests and style files."""
        fields = asdict(self)
        taken = fields.pop("taken")
        del fields["notes"], fields["pages"]
        pages = {} if self.pages is None else {"page": self.pages[0], "pages": self.pages[1]}
        return {**fields, "left_out": dict(fields["left_out"]), "range": taken, **pages}


@dataclass(frozen=True)
class ReadExemplar:
    """A style exemplar as it was read.

    Attributes:
        intensity: Apparent intensity, float32 (h, w) in [0, 1]; undefined where ``valid`` is false.
        valid: Pixels (h, w) that count for the style; None if all do.
        report: How it was read.
    """

    intensity: NDArray[np.float32]
    valid: NDArray[np.bool_] | None
    report: ExemplarReport
