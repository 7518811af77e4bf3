"""Ranking of methods: against the baselines, in pairs, and by a composite that is 0 for a blank image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import Estimate, Score
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import ANY, HEAT_SOURCES, NONE, CompositeSettings
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.results import GROUND_TRUTH, Results

_Values = NDArray[np.float64]

LEGEND = (
    "± half of the 95% bootstrap interval over scenes; <row: worse than that baseline, <row?: but the interval of the "
    "difference includes 0"
)


@dataclass(frozen=True)
class WorseThanBaseline:
    """A column in which a method is worse than a baseline.

    Attributes:
        baseline: The best baseline in this column.
        clear: Whether the 95% interval of the difference excludes 0.
    """

    baseline: str
    clear: bool

    @property
    def mark(self) -> str:
        """The marker of the value in tables: ``<gray``, or ``<gray?`` if the difference is not significant."""
        return f"<{self.baseline}{'' if self.clear else '?'}"


@dataclass(frozen=True)
class PairwiseComparison:
    """Two methods in one column.

    Attributes:
        difference: Advantage of the first (negative: worse) on the column's own scale, with its interval.
        better: Number of scenes in which the first is better; None for a column without values by scene.
        worse: Number of scenes in which it is worse.
    """

    difference: Score
    better: int | None = None
    worse: int | None = None

    @property
    def clear(self) -> bool:
        """Whether the 95% interval of the difference excludes 0."""
        return self.difference.low > 0 or self.difference.high < 0


def worse_than_baselines(results: Results) -> dict[str, dict[str, WorseThanBaseline]]:
    """Return the columns in which methods are worse than a baseline, by method and column."""
    found: dict[str, dict[str, WorseThanBaseline]] = {}
    baselines = [label for label in BASELINES if label in results.estimates]
    for label, row in results.estimates.items():
        if label in baselines or label == GROUND_TRUTH:
            continue
        found[label] = {}
        for column in row:
            own = _shortfall(results, label, column)
            others = {name: _shortfall(results, name, column) for name in baselines}
            better = {n: o for n, o in others.items() if own and o and o.value < own.value}
            if own and better:
                best = min(better, key=lambda name: better[name].value)
                found[label][column] = WorseThanBaseline(best, _difference(better[best], own).low > 0)
    return found


def pairwise_comparisons(results: Results) -> dict[str, dict[tuple[str, str], PairwiseComparison]]:
    """Return the comparisons of all pairs of methods, by column; columns of direction ``none`` have no comparison."""
    labels = [label for label in results.estimates if label != GROUND_TRUTH]
    found: dict[str, dict[tuple[str, str], PairwiseComparison]] = {}
    for first, second in combinations(labels, 2):
        for column in COLUMNS:
            a, b = (_shortfall(results, label, column) for label in (first, second))
            if a and b:
                scenes = _count_scenes(results, column, first, second)
                found.setdefault(column, {})[first, second] = PairwiseComparison(_difference(a, b), *scenes)
    return found


def composites(results: Results) -> dict[str, Estimate]:
    """Return the composite of every method in [0, 1], best first; empty if structure was not measured.

    The geometric mean of the :func:`aspects`. It is 0 for an image whose edges do not correlate with those of the
    ground truth, so that a blank image ranks last even if it has the best PSNR.
    """
    found = {}
    for label in results.estimates:
        shares = aspects(results, label) if label != GROUND_TRUTH else {}
        if "structure" in shares:
            product = np.prod(_stacked([*shares.values()]), axis=0) ** (1 / len(shares))
            found[label] = Estimate(float(product[0]), product[1:])
    return dict(sorted(found.items(), key=lambda item: -item[1].value))


def composite_lead(results: Results, first: str, second: str) -> Score:
    """Return the composite of a method minus that of another, with the 95% interval.

    Raises:
        InputError: Structure was not measured, so that there is no composite.
    """
    found = composites(results)
    if first not in found or second not in found:
        raise InputError("expected the column gradient_truth_3px for a composite, got none: use another protocol")
    return _combined(found[first], found[second], lambda a, b: a - b).score


def aspects(results: Results, label: str) -> dict[str, Estimate]:
    """Return the aspects of a method, each in [0, 1]; aspects whose columns were not measured are omitted.

    - fidelity: mean of SSIM and MS-SSIM.
    - structure: correlation of edges with the ground truth within 3 pixels.
    - look: mean of exp(-EMD / 0.1), exp(-spectrum / 10 dB) and, with a feature network, 1 / (1 + patch_frechet).
    - heat: 1 - |share - share in the ground truth| of the labelled objects, or else of the hot regions, that are
      hotter than their ring.

    All except structure are at least the floor. Constants, network and heat are those of ``results.composite``.
    """
    made = results.composite
    row, ground_truth = results.estimates[label], results.estimates.get(GROUND_TRUTH, {})
    parts: dict[str, list[Estimate]] = {
        "fidelity": [row[key] for key in ("ssim", "ms_ssim") if key in row],
        "structure": [row[key] for key in ("gradient_truth_3px",) if key in row],
        "look": [_mapped(row[key], function) for key, function in _similarities(made).items() if key in row],
    }
    sources = HEAT_SOURCES if made.heat == ANY else (made.heat,)
    heat = next((key for key in sources if key in row and key in ground_truth), None)
    if heat:
        parts["heat"] = [_combined(row[heat], ground_truth[heat], lambda a, b: 1 - np.abs(a - b))]
    return {name: _mean(found, 0.0 if name == "structure" else made.floor) for name, found in parts.items() if found}


def _similarities(made: CompositeSettings) -> Mapping[str, Callable[[_Values], _Values]]:
    """Return the functions that turn distances into similarities in [0, 1], by column."""
    found: dict[str, Callable[[_Values], _Values]] = {
        "histogram_emd": lambda x: np.exp(-x / made.emd_scale),
        "spectrum": lambda x: np.exp(-x / made.spectrum_scale),
    }
    if made.feature_network != NONE:
        found["patch_frechet"] = lambda x: 1 / (1 + np.maximum(x, 0))
    return found


def _mapped(estimate: Estimate, function: Callable[[_Values], _Values]) -> Estimate:
    return Estimate(float(function(np.array(estimate.value))), function(estimate.draws))


def _combined(a: Estimate, b: Estimate, function: Callable[[_Values, _Values], _Values]) -> Estimate:
    size = min(len(a.draws), len(b.draws))
    return Estimate(float(function(np.array(a.value), np.array(b.value))), function(a.draws[:size], b.draws[:size]))


def _stacked(parts: list[Estimate]) -> _Values:
    """Return values and draws of estimates (N, 1 + R), with the number of draws common to all."""
    size = min(len(part.draws) for part in parts)
    return np.stack([np.concatenate([[part.value], part.draws[:size]]) for part in parts])


def _mean(parts: list[Estimate], least: float) -> Estimate:
    mean = _stacked(parts).clip(0, 1).mean(axis=0).clip(min=least)
    return Estimate(float(mean[0]), mean[1:])


def _shortfall(results: Results, label: str, column: str) -> Estimate | None:
    """Return the shortfall of a method in a column; None without a value or an order."""
    estimate = results.estimates[label].get(column)
    ground_truth = results.estimates.get(GROUND_TRUTH, {}).get(column)
    if estimate is None:
        return None
    own, *reference = _stacked([estimate, ground_truth] if ground_truth else [estimate])
    found = COLUMNS[column].shortfall(own, reference[0] if reference else None)
    return None if found is None else Estimate(float(found[0]), found[1:])


def _difference(better: Estimate, worse: Estimate) -> Score:
    return _combined(worse, better, lambda a, b: a - b).score


def _count_scenes(results: Results, column: str, first: str, second: str) -> tuple[int | None, int | None]:
    """Return the numbers of scenes in which the first method is better and worse."""
    a, b = (results.per_scene[label].get(column) for label in (first, second))
    if not a or not b:
        return None, None
    ground_truth: Mapping[str, float] = results.per_scene[GROUND_TRUTH].get(column, {})
    stems = [stem for stem in a if stem in b]
    reference = np.array([ground_truth.get(stem, np.nan) for stem in stems])
    gaps: list[_Values] = []
    for values in (a, b):
        gap = COLUMNS[column].shortfall(np.array([values[stem] for stem in stems]), reference)
        if gap is None:
            return None, None
        gaps.append(gap)
    return int((gaps[0] < gaps[1]).sum()), int((gaps[0] > gaps[1]).sum())
