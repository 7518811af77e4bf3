"""Who is better: losses to trivial rows, duels of all pairs, and a composite that a blank picture cannot win."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import ANY, HEAT_SOURCES, NONE, CompositeSettings
from ir_transfer.evaluation.harness import BASELINES, TRUTH, Results
from ir_transfer.evaluation.summary import Estimate, Score

_Values = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """A column in which a method is worse than a trivial row.

    Attributes:
        to: The best trivial row there.
        clear: Whether the 95% interval of the difference excludes 0.
    """

    to: str
    clear: bool


@dataclass(frozen=True)
class Duel:
    """Two methods in one column.

    Attributes:
        difference: By how much the first is better (negative: worse) on the column's own scale, with its interval.
        wins: Scenes in which the first is better; None for a column that has no value per scene.
        losses: Scenes in which it is worse.
    """

    difference: Score
    wins: int | None = None
    losses: int | None = None

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference excludes 0."""
        return self.difference.low > 0 or self.difference.high < 0


def losses(results: Results) -> dict[str, dict[str, Loss]]:
    """Return the columns in which methods lose to a trivial row, by method and column."""
    found: dict[str, dict[str, Loss]] = {}
    trivial = [label for label in BASELINES if label in results.estimates]
    for label, row in results.estimates.items():
        if label in trivial or label == TRUTH:
            continue
        found[label] = {}
        for column in row:
            own = _shortfall(results, label, column)
            others = {name: _shortfall(results, name, column) for name in trivial}
            better = {n: o for n, o in others.items() if own and o and o.value < own.value}
            if own and better:
                best = min(better, key=lambda name: better[name].value)
                found[label][column] = Loss(best, _difference(better[best], own).low > 0)
    return found


def duels(results: Results) -> dict[str, dict[tuple[str, str], Duel]]:
    """Return the duels of all pairs of methods, by column; columns without an order have none."""
    labels = [label for label in results.estimates if label != TRUTH]
    found: dict[str, dict[tuple[str, str], Duel]] = {}
    for first, second in combinations(labels, 2):
        for column in COLUMNS:
            a, b = (_shortfall(results, label, column) for label in (first, second))
            if a and b:
                wins = _scene_wins(results, column, first, second)
                found.setdefault(column, {})[first, second] = Duel(_difference(a, b), *wins)
    return found


def composites(results: Results) -> dict[str, Estimate]:
    """Return the composite of every method, 1 at best, best first; empty if structure was not measured.

    The geometric mean of the :func:`aspects`. It is 0 for a picture whose edges do not correlate with the truth's at
    all, so that a blank one is last whatever its PSNR.
    """
    found = {}
    for label in results.estimates:
        shares = aspects(results, label) if label != TRUTH else {}
        if "structure" not in shares:
            continue
        size = min(len(share.draws) for share in shares.values())
        columns = [np.concatenate([[s.value], s.draws[:size]]) for s in shares.values()]
        product = np.prod(np.stack(columns), axis=0) ** (1 / len(columns))
        found[label] = Estimate(float(product[0]), product[1:])
    return dict(sorted(found.items(), key=lambda item: -item[1].value))


def composite_lead(results: Results, first: str, second: str) -> Score:
    """Return by how much a method's composite is above another's (negative: below), with the 95% interval.

    Raises:
        InputError: Structure was not measured, so that there is no composite.
    """
    found = composites(results)
    if first not in found or second not in found:
        raise InputError("expected the column gradient_truth_3px for a composite, got none: use another protocol")
    return _combined(found[first], found[second], lambda a, b: a - b).score


def aspects(results: Results, label: str) -> dict[str, Estimate]:
    """Return the aspects of a method, each in [0, 1]; one whose columns were not measured is left out.

    - fidelity: mean of SSIM and MS-SSIM.
    - structure: correlation of edges with the truth within 3 pixels.
    - look: mean of exp(-EMD / 0.1), exp(-spectrum / 10 dB) and, with a feature network, 1 / (1 + patch_frechet).
    - heat: 1 - |share - the truth's share| of labelled objects, or else of hot regions, hotter than their ring.

    All but structure are at least the floor. Constants, network and heat are those of ``results.composite``.
    """
    made = results.composite
    row, truth = results.estimates[label], results.estimates.get(TRUTH, {})
    parts: dict[str, list[Estimate]] = {
        "fidelity": [row[key] for key in ("ssim", "ms_ssim") if key in row],
        "structure": [row[key] for key in ("gradient_truth_3px",) if key in row],
        "look": [_mapped(row[key], function) for key, function in _looks(made).items() if key in row],
    }
    sources = HEAT_SOURCES if made.heat == ANY else (made.heat,)
    heat = next((key for key in sources if key in row and key in truth), None)
    if heat:
        parts["heat"] = [_combined(row[heat], truth[heat], lambda a, b: 1 - np.abs(a - b))]
    return {name: _mean(found, 0.0 if name == "structure" else made.floor) for name, found in parts.items() if found}


def _looks(made: CompositeSettings) -> Mapping[str, Callable[[_Values], _Values]]:
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


def _mean(parts: list[Estimate], least: float) -> Estimate:
    size = min(len(part.draws) for part in parts)
    values = np.stack([np.concatenate([[part.value], part.draws[:size]]) for part in parts])
    mean = values.clip(0, 1).mean(axis=0).clip(min=least)
    return Estimate(float(mean[0]), mean[1:])


def _shortfall(results: Results, label: str, column: str) -> Estimate | None:
    """Return how far a method is from good in a column; None without a figure or an order."""
    estimate = results.estimates[label].get(column)
    truth = results.estimates.get(TRUTH, {}).get(column)
    if estimate is None:
        return None
    size = min(len(estimate.draws), len(truth.draws)) if truth else len(estimate.draws)
    found = COLUMNS[column].shortfall(
        np.concatenate([[estimate.value], estimate.draws[:size]]),
        np.concatenate([[truth.value], truth.draws[:size]]) if truth else None,
    )
    return None if found is None else Estimate(float(found[0]), found[1:])


def _difference(better: Estimate, worse: Estimate) -> Score:
    return _combined(worse, better, lambda a, b: a - b).score


def _scene_wins(results: Results, column: str, first: str, second: str) -> tuple[int | None, int | None]:
    a, b = (results.per_scene[label].get(column) for label in (first, second))
    if not a or not b:
        return None, None
    truth: Mapping[str, float] = results.per_scene[TRUTH].get(column, {})
    stems = [stem for stem in a if stem in b]
    reference = np.array([truth.get(stem, np.nan) for stem in stems])
    gaps: list[_Values] = []
    for values in (a, b):
        gap = COLUMNS[column].shortfall(np.array([values[stem] for stem in stems]), reference)
        if gap is None:
            return None, None
        gaps.append(gap)
    return int((gaps[0] < gaps[1]).sum()), int((gaps[0] > gaps[1]).sum())
