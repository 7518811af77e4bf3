"""Means and their bootstrap interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.evaluation.summary import summarise


def test_interval_is_that_of_the_normal_mean() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    score = summarise(values.tolist())
    assert score is not None
    assert score.mean == pytest.approx(values.mean())
    assert (score.high - score.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_weights_pool_objects_over_scenes() -> None:
    score = summarise([1.0, 0.0, 0.5], [3, 1, 0])
    assert score is not None
    assert score.mean == 0.75


def test_no_objects_no_score() -> None:
    assert summarise([0.0, 0.0], [0, 0]) is None


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_interval_holds_the_mean_of_equal_values_and_stays_in_range(values: list[float]) -> None:
    score = summarise(values)
    assert score is not None
    assert min(values) - 1e-9 <= score.low <= score.high <= max(values) + 1e-9
