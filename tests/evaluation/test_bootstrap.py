"""Means and their bootstrap over scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import SceneBootstrap


def test_interval_matches_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    estimate = SceneBootstrap(400).mean(values.tolist())
    assert estimate is not None
    assert estimate.value == pytest.approx(values.mean())
    assert (estimate.score.high - estimate.score.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_weights_pool_objects_over_scenes() -> None:
    estimate = SceneBootstrap(3).mean([1.0, 0.0, float("nan")], [3, 1, 0])
    assert estimate is not None
    assert estimate.value == 0.75
    # A drawing without any object has no figure and leaves the interval alone.
    assert np.isnan(estimate.draws).any()
    assert (estimate.score.low, estimate.score.high) == (0, 1)


def test_no_objects_give_no_estimate() -> None:
    assert SceneBootstrap(2).mean([0.0, 0.0], [0, 0]) is None


def test_common_resamples_cancel_scene_variance() -> None:
    draws = SceneBootstrap(30)
    values = np.random.default_rng(0).normal(0, 5, 30)
    a, b = draws.mean(values.tolist()), draws.mean((values + 0.1).tolist())
    assert a is not None
    assert b is not None
    assert (b.draws - a.draws) == pytest.approx(0.1)


def test_rejects_values_for_another_number_of_scenes() -> None:
    with pytest.raises(InputError, match="expected 2 values, got 3"):
        SceneBootstrap(2).mean([1, 2, 3])


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_interval_stays_in_range(values: list[float]) -> None:
    estimate = SceneBootstrap(len(values)).mean(values)
    assert estimate is not None
    assert min(values) - 1e-9 <= estimate.score.low <= estimate.score.high <= max(values) + 1e-9
