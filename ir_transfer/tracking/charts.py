"""Curves of several runs in one drawing: places for a template to draw, no drawing library in the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir_transfer.tracking.figures import Curve

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 20, 8, 22
_MOST_POINTS = 500
_LOG_RATIO = 30.0
_LETTER_HEIGHT = 11.0


@dataclass(frozen=True)
class Line:
    """A run's curve in a drawing.

    Attributes:
        index: Of the run.
        places: Its points, ``x,y`` with blanks between.
        steps: Of the points.
        values: Of the points.
        end: Where its letter stands, right of its last point.
    """

    index: int
    places: str
    steps: list[int]
    values: list[float]
    end: tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """A drawing of :data:`WIDTH` x :data:`HEIGHT`.

    Attributes:
        lines: One for each run that has the metric.
        across: Ticks of the step axis: place and text.
        up: Ticks of the value axis.
        logarithmic: Whether the value axis is.
    """

    lines: list[Line]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    logarithmic: bool


def draw(curves: Mapping[int, Curve]) -> Drawing:
    """Return the drawing of curves that are not empty, by the index of their run."""
    thin = {index: thinned(curve) for index, curve in curves.items()}
    steps = [step for curve in thin.values() for step, _ in curve]
    values = [value for curve in thin.values() for _, value in curve]
    logarithmic = min(values) > 0 and max(values) / min(values) >= _LOG_RATIO
    first, last = min(steps), max(steps)
    scaled = [math.log10(value) for value in values] if logarithmic else values
    low, high = _widened(min(scaled), max(scaled))

    def x(step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (step - first) / max(last - first, 1), 1)

    def y(value: float) -> float:
        share = ((math.log10(value) if logarithmic else value) - low) / (high - low)
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share), 1)

    heights = _apart({index: y(curve[-1][1]) for index, curve in thin.items()})
    lines = [
        Line(
            index=index,
            places=" ".join(f"{x(step)},{y(value)}" for step, value in curve),
            steps=[step for step, _ in curve],
            values=[float(f"{value:.6g}") for _, value in curve],
            end=(min(x(curve[-1][0]) + 5, WIDTH - RIGHT + 5), heights[index]),
        )
        for index, curve in thin.items()
    ]
    up = _powers(low, high) if logarithmic else _round_ticks(low, high, 4)
    across = [tick for tick in _round_ticks(first, max(last, first + 1), 4) if tick == round(tick)]
    return Drawing(lines, [(x(t), _short(t)) for t in across], [(y(t), _short(t)) for t in up], logarithmic)


def thinned(curve: Curve, most: int = _MOST_POINTS) -> Curve:
    """Return a curve of no more points than asked: of each stretch its lowest and highest, so that no peak is lost."""
    if len(curve) <= most:
        return curve
    size = math.ceil(2 * len(curve) / most)
    kept: Curve = []
    for start in range(0, len(curve), size):
        stretch = curve[start : start + size]
        ends = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _widened(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or max(abs(low) * 0.05, 1e-3)
    return low - margin, high + margin


def _round_ticks(low: float, high: float, count: int) -> list[float]:
    """Return up to about so many multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((f for f in (1, 2, 5, 10) if f * power >= rough), default=10)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Return ticks of a logarithmic axis: powers of ten, with 2 and 5 between where those are few."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [f * 10.0**e for e in exponents for f in factors if low <= math.log10(f * 10.0**e) <= high]
        if len(ticks) >= 3:
            break
    return ticks[:: math.ceil(len(ticks) / 6)]


def _apart(heights: Mapping[int, float]) -> dict[int, float]:
    """Move letters that would lie on each other apart, downwards, then all up again if the last one is out."""
    placed: dict[int, float] = {}
    above = -math.inf
    for index in sorted(heights, key=lambda i: heights[i]):
        above = placed[index] = max(heights[index], above + _LETTER_HEIGHT)
    excess = max(0.0, above - (HEIGHT - BOTTOM))
    return {index: round(place - excess, 1) for index, place in placed.items()}


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value / 1000:g}k"
    if 0 < abs(value) < 1e-3:
        return f"{value:.2e}".replace(".00e", "e").replace("0e", "e").replace("e-0", "e-")
    return f"{value:.6g}"
