"""Figures with a bootstrap over scenes: what varies between two comparisons is which scenes were at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

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


@dataclass(frozen=True)
class Estimate:
    """A figure with its value in every resampling of the scenes.

    All estimates of a comparison are resampled with the same scenes, so that the draws of two methods may be
    subtracted: the scenes' common luck cancels.

    Attributes:
        value: The figure.
        draws: (R,) values; NaN where no drawn scene has one.
    """

    value: float
    draws: NDArray[np.float64]

    @property
    def score(self) -> Score:
        """The figure with the 2.5% and 97.5% quantiles of its draws."""
        known = self.draws[~np.isnan(self.draws)]
        if not known.size:
            return Score(self.value, self.value, self.value)
        low, high = np.percentile(known, [2.5, 97.5])
        return Score(self.value, float(low), float(high))


class SceneDraws:
    """How often each scene is drawn in every resampling.

    Args:
        scenes: Number of scenes.
        seed: Of the draws.
    """

    def __init__(self, scenes: int, seed: int = 0) -> None:
        indices = np.random.default_rng(seed).integers(scenes, size=(RESAMPLES, scenes))
        self.counts = np.stack([np.bincount(row, minlength=scenes) for row in indices]).astype(np.float64)

    def mean(self, values: Sequence[float], weights: Sequence[float] | None = None) -> Estimate | None:
        """Return the weighted mean over scenes with its draws, or None without any weight.

        Scenes are drawn, not pixels or objects.

        Args:
            values: One figure per scene; that of a scene without weight does not matter.
            weights: How much each counts, for example its number of objects; equal by default.

        Raises:
            InputError: As many values or weights as there are no scenes.
        """
        figures = np.asarray(values, dtype=np.float64)
        shares = np.ones_like(figures) if weights is None else np.asarray(weights, dtype=np.float64)
        if not len(figures) == len(shares) == self.counts.shape[1]:
            raise InputError(f"expected {self.counts.shape[1]} values, got {len(figures)} and {len(shares)} weights")
        if not shares.sum() > 0:
            return None
        weighted = np.where(shares > 0, figures, 0) * shares
        totals = self.counts @ shares
        sums = self.counts @ weighted
        draws = np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0)
        return Estimate(float(weighted.sum() / shares.sum()), draws)
