"""Summaries of the exemplars of a style, and warnings on those that differ from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

_TONE = 0.25  # largest difference from the median of the means, relative to the range
_CONTRAST = 2.5  # largest factor from the median of the deviations
_SIZE = 3.0  # largest factor from the median of the shorter sides
_SPAN = 4.0  # largest factor from the median span of exemplars of the same unit
_MEASURED = frozenset({"counts", "centikelvin", "Kelvin", "Celsius"})


@dataclass(frozen=True)
class ExemplarSummary:
    """An exemplar of a style as reported by ``styles build``.

    Attributes:
        record: How the file was read; see :meth:`ExemplarReport.record`.
        polarity: ``"white-hot"`` or ``"black-hot"``; empty if unknown.
    """

    record: Mapping[str, Any]
    polarity: str = ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return str(self.record["file"])

    @property
    def line(self) -> str:
        """File name, size, range and polarity on one line."""
        taken = self.record["range"]
        parts = [
            f"{self.record['width']} x {self.record['height']}",
            f"range {taken['low']:.6g} to {taken['high']:.6g} {taken['unit']}{' (guessed)' * taken['guessed']}",
        ]
        if self.record["palette"] is not None:
            parts.append(f"palette {self.record['palette']}")
        if "pages" in self.record:
            parts.append(f"image {self.record['page']} of {self.record['pages']}")
        parts += [f"{share:.1%} ignored ({reason})" for reason, share in self.record["left_out"].items()]
        return f"{self.name}: {', '.join([*parts, *filter(None, [self.polarity])])}"


def disagreements(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    """Return a line for each property in which an exemplar differs strongly from the others."""
    if len(exemplars) < 2:
        return []
    found = [*_by_polarity(exemplars), *_by_range(exemplars)]
    means = [float(one.record["mean"]) for one in exemplars]
    deviations = [float(one.record["deviation"]) for one in exemplars]
    sides = [float(min(one.record["width"], one.record["height"])) for one in exemplars]
    for index, one in enumerate(exemplars):
        if abs(means[index] - median_low(means)) > _TONE:
            found.append(f"{one.name}: its mean is {means[index]:.2f}, that of most {median_low(means):.2f}")
        for values, most, what in ((deviations, _CONTRAST, "contrast"), (sides, _SIZE, "shorter side")):
            if _is_far(values[index], values, most):
                found.append(f"{one.name}: its {what} is {values[index]:.3g}, that of most {median_low(values):.3g}")
    return found


def _is_far(value: float, values: Sequence[float], most: float) -> bool:
    usual = median_low(values)
    return not usual / most <= value <= usual * most


def _by_polarity(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    known = {one.polarity for one in exemplars} - {""}
    if len(known) < 2:
        return []
    counts = {polarity: sum(one.polarity == polarity for one in exemplars) for polarity in sorted(known)}
    fewer = min(counts, key=lambda polarity: counts[polarity])
    names = ", ".join(one.name for one in exemplars if one.polarity == fewer)
    return [f"{names}: {fewer}, the others not: set the correct one with --polarity, or omit them"]


def _by_range(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    units = {str(one.record["range"]["unit"]) for one in exemplars}
    found = []
    if units & _MEASURED and len(units) > 1:
        found.append(f"the exemplars' values are {', '.join(sorted(units))}: use files of one kind")
    for unit in sorted(units & _MEASURED):
        same = [one for one in exemplars if one.record["range"]["unit"] == unit]
        spans = [float(one.record["range"]["high"]) - float(one.record["range"]["low"]) for one in same]
        for one, span in zip(same, spans, strict=True):
            if _is_far(span, spans, _SPAN):
                found.append(f"{one.name}: its range spans {span:.4g}, that of most {median_low(spans):.4g}")
    return found
