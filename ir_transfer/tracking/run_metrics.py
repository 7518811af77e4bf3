"""Direction of the metrics of a training, and its best step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from ir_transfer.evaluation.columns import COLUMNS

Aim = Literal["higher", "lower", "one", "none"]
Curve = list[tuple[int, float]]
"""(step, value) of a metric, by step."""

VALIDATION = "validation/"
RANK = "validation/rank"
_AIMS: dict[str, Aim] = {
    "validation/edges": "higher",  # this and the next four: of runs by earlier versions
    "validation/hot": "lower",
    "validation/contrast": "one",
    "validation/look": "lower",
    "validation/tones": "lower",
    "validation/gates/dead_layers": "lower",
    "validation/gates/context_reach": "higher",
    RANK: "lower",
    "rate/images_per_second": "higher",
    "rate/waiting": "lower",
}
AIM_TEXTS: dict[Aim, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "one": "closer to 1 is better",
    "none": "neither direction is better",
}


def aim_of(metric: str) -> Aim:
    """Return the better direction of a metric of a training.

    Example:
        >>> aim_of("validation/day/psnr"), aim_of("loss/edge"), aim_of("rate/learning")
        ('higher', 'lower', 'none')
    """
    if metric in _AIMS or not metric.startswith(VALIDATION):
        return "lower" if metric.startswith("loss/") else _AIMS.get(metric, "none")
    column = COLUMNS.get(metric.rpartition("/")[2])
    direction = "none" if column is None else column.direction
    return direction if direction in {"higher", "lower", "one"} else "none"


def shortfall(value: float, aim: Aim) -> float:
    """Return the distance of a value from the best one; smaller is better, NaN for ``none``."""
    return {"higher": -value, "lower": value, "one": abs(value - 1), "none": math.nan}[aim]


def best_of(shortfalls: Sequence[float | None], texts: Sequence[str]) -> list[bool]:
    """Return which values are the best; none if all texts are equal, or if only one value is known.

    Args:
        shortfalls: Shortfall of each value, None where it is missing.
        texts: The values as they are displayed; equal texts are equally good.

    Example:
        >>> best_of([0.2, 0.1, None], ["0.2", "0.1", ""])
        [False, True, False]
    """
    known = [value for value in shortfalls if value is not None and not math.isnan(value)]
    shown = {text for value, text in zip(shortfalls, texts, strict=True) if value is not None}
    if len(known) < 2 or len(shown) < 2:
        return [False] * len(shortfalls)
    best = {text for value, text in zip(shortfalls, texts, strict=True) if value == min(known)}
    return [value is not None and text in best for value, text in zip(shortfalls, texts, strict=True)]


def best_step(curves: Mapping[str, Curve]) -> int | None:
    """Return the step of the best rank, whose weights the training keeps; None before the first validation."""
    ranks = curves.get(RANK)
    return min(ranks, key=lambda point: point[1])[0] if ranks else None


def at_step(curve: Curve, step: int | None) -> float | None:
    """Return the value at a step, None if there is none."""
    return next((value for at, value in curve if at == step), None)


def text_of(value: float | None) -> str:
    """Return a value with four significant digits.

    Example:
        >>> text_of(19.2371), text_of(0.00012345), text_of(12345.6), text_of(None)
        ('19.24', '0.0001235', '12346', '')
    """
    if value is None:
        return ""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"
