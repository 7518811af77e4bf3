"""Means over scenes with a bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """A figure and its uncertainty.

    Attributes:
        mean: The figure.
        low: Lower end of its 95% interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def summarise(values: Sequence[float], weights: Sequence[float] | None = None, seed: int = 0) -> Score | None:
    """Return the weighted mean over scenes with its percentile bootstrap interval, or None without any weight.

    Scenes are drawn, not pixels or objects: what varies between runs of a comparison is which scenes were at hand.

    Args:
        values: One figure per scene.
        weights: How much each counts, for example its number of objects; equal by default.
        seed: Of the draws.
    """
    figures = np.asarray(values, dtype=np.float64)
    shares = np.ones_like(figures) if weights is None else np.asarray(weights, dtype=np.float64)
    if not shares.sum() > 0:
        return None
    draws = np.random.default_rng(seed).integers(len(figures), size=(RESAMPLES, len(figures)))
    totals = shares[draws].sum(axis=1)
    means = (figures * shares)[draws].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.percentile(means, [2.5, 97.5])
    return Score(float((figures * shares).sum() / shares.sum()), float(low), float(high))
