"""Figures as text, the same in the terminal and in the report."""

from __future__ import annotations

from ir_transfer.evaluation.columns import Column
from ir_transfer.evaluation.ranking import Loss
from ir_transfer.evaluation.summary import Score

LEGEND = (
    "± half of the 95% bootstrap interval over scenes; <row: worse than that trivial row, <row?: but the interval of "
    "the difference holds 0"
)
ARROWS = {"higher": "↑", "lower": "↓", "truth": "→truth", "one": "→1", "limit": "", "none": ""}


def figure(score: Score | None, digits: int) -> str:
    """Return a figure with half of its interval; large ones by their order of magnitude."""
    if score is None:
        return ""
    if abs(score.mean) >= 10000:
        return f"{score.mean:.1e}"
    spread = (score.high - score.low) / 2
    return f"{score.mean:.{digits}f} ±{spread:.{digits}f}"


def mark(loss: Loss | None) -> str:
    """Return the mark of a loss to a trivial row, empty without one."""
    return "" if loss is None else f"<{loss.to}{'' if loss.clear else '?'}"


def heading(name: str, column: Column) -> str:
    """Return a column's heading with an arrow towards the better."""
    return f"{name} {ARROWS[column.direction]}".strip()
