"""Report of ``datasets check``, and its contact sheet of the worst pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ir_transfer.data.alignment import Shift, edge_magnitude
from ir_transfer.data.pair_files import open_pair
from ir_transfer.data.pairs import Pair

Floats = NDArray[np.float32]

HEADINGS = ("RGB image", "infrared image", "edges: RGB image red, infrared image cyan")


def worst_pairs(report: CheckReport, count: int = 8) -> list[list[Floats]]:
    """Return the images of the pairs with the largest shifts, as rows of a contact sheet with :data:`HEADINGS`.

    Each row has an RGB image (H, W, 3), an infrared image (H, W) and edges (H, W, 3), all in [0, 1].

    Args:
        report: Report on a paired set.
        count: Largest number of rows.
    """
    by_stem = {pair.stem: pair for pair in report.pairs}
    names = sorted(report.shifts, key=lambda name: -report.shifts[name].length)[:count]
    return [
        _row(by_stem[name], f"{name}: {report.shifts[name].dx:+.1f}, {report.shifts[name].dy:+.1f}") for name in names
    ]


def _row(pair: Pair, text: str) -> list[Floats]:
    rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    visible, infrared = np.ascontiguousarray(rgb.rgb().transpose(1, 2, 0)), ir.gray()[0]
    red, cyan = (_strong(edge_magnitude(side)) for side in (visible.mean(axis=2), infrared))
    return [_label(visible, text), infrared, np.stack([red, cyan, cyan], axis=2)]


def _strong(edges: Floats) -> Floats:
    return np.asarray(np.clip(edges / max(float(np.percentile(edges, 98)), 1e-6), 0, 1), dtype=np.float32)


def _label(decoded: Floats, text: str) -> Floats:
    image = Image.fromarray((decoded * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(11, image.height // 22))
    draw.rectangle(draw.textbbox((3, 2), text, font=font), fill="black")
    draw.text((3, 2), text, fill="white", font=font)
    return np.asarray(image, dtype=np.float32) / np.float32(255)


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
