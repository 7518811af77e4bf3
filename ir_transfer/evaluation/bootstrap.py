"""Confidence intervals by a bootstrap over scenes, the unit that varies between comparisons.

Does not use scipy.stats.bootstrap, because all methods must share the same draws of scenes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """A value with its 95% interval."""

    mean: float
    low: float
    high: float


def format_score(score: Score | None, digits: int) -> str:
    """Return a value with half of its interval as text, such as ``0.512 ±0.031``; empty for None.

    Args:
        score: Values of at least 10,000 are shown by their order of magnitude alone.
        digits: Digits after the decimal point.
    """
    if score is None:
        return ""
    if abs(score.mean) >= 10000:
        return f"{score.mean:.1e}"
    return f"{score.mean:.{digits}f} ±{(score.high - score.low) / 2:.{digits}f}"


@dataclass(frozen=True)
class Estimate:
    """A value with its value in every resampling of the scenes.

    All estimates of a comparison are resampled with the same scenes, so that subtracting the draws of two methods
    cancels differences between scenes.

    Attributes:
        value: The value over all scenes.
        draws: (R,) values; NaN where no drawn scene has one.
    """

    value: float
    draws: NDArray[np.float64]

    @property
    def score(self) -> Score:
        """The value with the 2.5% and 97.5% quantiles of its draws."""
        known = self.draws[~np.isnan(self.draws)]
        if not known.size:
            return Score(self.value, self.value, self.value)
        low, high = np.percentile(known, [2.5, 97.5])
        return Score(self.value, float(low), float(high))


class SceneBootstrap:
    """The resamplings of the scenes.

    Args:
        scenes: Number of scenes S.
        seed: Seed of the draws.

    Attributes:
        counts: Number of times that each scene is drawn in each resampling (R, S).
    """

    def __init__(self, scenes: int, seed: int = 0) -> None:
        indices = np.random.default_rng(seed).integers(scenes, size=(RESAMPLES, scenes))
        self.counts = np.stack([np.bincount(row, minlength=scenes) for row in indices]).astype(np.float64)

    def mean(self, values: Sequence[float], weights: Sequence[float] | None = None) -> Estimate | None:
        """Return the weighted mean over scenes with its draws, or None without any weight.

        Scenes are resampled, not pixels or objects.

        Args:
            values: One value per scene; that of a scene of weight 0 is ignored.
            weights: Weight of each scene, for example its number of objects; equal by default.

        Raises:
            InputError: The number of values or weights is not that of the scenes.
        """
        numbers = np.asarray(values, dtype=np.float64)
        shares = np.ones_like(numbers) if weights is None else np.asarray(weights, dtype=np.float64)
        if not len(numbers) == len(shares) == self.counts.shape[1]:
            raise InputError(f"expected {self.counts.shape[1]} values, got {len(numbers)} and {len(shares)} weights")
        if not shares.sum() > 0:
            return None
        weighted = np.where(shares > 0, numbers, 0) * shares
        totals = self.counts @ shares
        sums = self.counts @ weighted
        draws = np.divide(sums, totals, out=np.full(len(totals), np.nan), where=totals > 0)
        return Estimate(float(weighted.sum() / shares.sum()), draws)
