"""The experiment on a few rendered streets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ir_transfer import create_model
from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import Estimate
from ir_transfer.evaluation.detection.conditions import SceneTranslator
from ir_transfer.evaluation.detection.experiment import RESAMPLES, Outcome, Training, run_experiment
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene
from ir_transfer.evaluation.exemplars import Oracle
from ir_transfer.evaluation.methods import Method


def test_every_condition_has_a_row_with_its_gain_over_gray(outcome: Outcome) -> None:
    assert [row.name for row in outcome.rows] == ["real", "gray", "inverted", "gray + inverted"]
    assert outcome.labels == ["person", "vehicle"]
    gray = outcome.rows[1]
    for row in outcome.rows:
        assert len(row.runs) == 2
        assert row.map.value == pytest.approx(np.mean([run.map for run in row.runs]))
        assert row.gain.value == pytest.approx(row.map.value - gray.map.value)
        assert row.map.draws.shape == (RESAMPLES,)
        assert set(row.per_label) == {"person", "vehicle"}
        assert len(row.found) == 2
    assert gray.gain.value == 0
    assert not gray.gain.draws.any()


def test_conclusion_requires_an_interval_that_excludes_0(outcome: Outcome) -> None:
    row = outcome.rows[2]
    assert outcome.rows[1].conclusion == ""
    for low, high, conclusion in (
        (0.1, 0.2, "better than gray"),
        (-0.2, -0.1, "worse than gray"),
        (-0.1, 0.1, "no clear difference"),
    ):
        gain = Estimate((low + high) / 2, np.linspace(low, high, 100))
        assert replace(row, gain=gain).conclusion == conclusion


def test_leaked_image_is_rejected_before_training(scenes: list[LabelledScene]) -> None:
    methods = [Method("fda", create_model("fda"))]
    with pytest.raises(InputError, match="got s00001_f00 = s00001_f00"):
        run_experiment(scenes[:2], scenes[1:], methods, SceneTranslator(Oracle()), Training(10**9, (0,)))
