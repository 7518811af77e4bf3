"""Report of ``datasets check``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.data.alignment import Shift
from ir_transfer.data.pairs import Pair

Level = Literal["problem", "note"]


@dataclass(frozen=True)
class Finding:
    """A finding about some pairs or files.

    Attributes:
        kind: Short name.
        level: ``problem`` or ``note``.
        names: The pairs or files concerned.
        what: Description.
        remedy: What to do about it.
    """

    kind: str
    level: Level
    names: list[str]
    what: str
    remedy: str


@dataclass
class CheckReport:
    """Report of ``datasets check``.

    Attributes:
        card: Name of the card.
        root: The folder.
        count: Number of pairs (or images of an unpaired set).
        looked_at: Number of those that were opened.
        findings: Problems first.
        shifts: Reliable offsets by pair.
        pairs: All pairs.
    """

    card: str
    root: Path
    count: int
    looked_at: int
    findings: list[Finding] = field(default_factory=list)
    shifts: dict[str, Shift] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether there is no problem."""
        return not any(finding.level == "problem" for finding in self.findings)

    def add(self, kind: str, names: Iterable[str], what: str, remedy: str, level: Level = "problem") -> None:
        """Add a finding about pairs or files, unless there are none; the parameters are those of :class:`Finding`."""
        if listed := list(names):
            self.findings.append(Finding(kind, level, listed, what, remedy))

    def sort(self) -> None:
        """Put problems before notes."""
        self.findings.sort(key=lambda finding: finding.level != "problem")
