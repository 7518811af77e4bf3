"""Gates: limits, log lines, and stopping of a run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ir_transfer.training.gates import Gate, dead_gate, score_gates
from ir_transfer.training.journal import read_events
from ir_transfer.training.loop import Trainer
from ir_transfer.training.run_folder import RunFolder
from tests.training.runs import make_root, recipe_of


@pytest.mark.parametrize(
    ("gate", "passed"),
    [
        (Gate("a", 0.02, low=0.02), True),
        (Gate("a", 0.0199, low=0.02), False),
        (Gate("a", 0.3, -0.3, 0.3), True),
        (Gate("a", 0.31, -0.3, 0.3), False),
        (Gate("a", -0.31, -0.3, 0.3), False),
        (Gate("a", math.nan, low=0.1), False),
        (Gate("a", math.nan, high=0.1), False),
    ],
)
def test_gate_limits(gate: Gate, passed: bool) -> None:
    assert gate.passed == passed


def test_log_line() -> None:
    assert str(Gate("reach", 0.0012, low=0.02, detail="blind")) == "reach 0.0012 (>= 0.02) FAILED: blind"
    assert str(Gate("reach", 0.05, low=0.02, detail="blind")) == "reach 0.0500 (>= 0.02) ok"


def test_layer_is_dead_if_most_channels_are_and_the_worst_is_named_first() -> None:
    gate = dead_gate({"a": 0.5, "b": 0.51, "c": 1.0})
    assert (gate.value, gate.passed) == (2, False)
    assert gate.detail.endswith("c 100%, b 51%")
    assert dead_gate({"a": 0.5, "d": 0.0}).passed


def test_embossing_of_either_sign_and_missing_detail_fail_for_every_set() -> None:
    scores = {
        "day": {"luma_highpass": 0.7, "truth_highpass": 0.2},
        "night": {"luma_highpass": -0.7, "truth_highpass": 0.1},
        "alone": {"luma_highpass": 0.1},
    }
    passed = {gate.name: gate.passed for gate in score_gates(scores, "lwir")}
    assert passed == {
        "day/luma_highpass": False, "day/truth_highpass": True, "night/luma_highpass": False,
        "night/truth_highpass": False, "alone/luma_highpass": True,
    }  # fmt: skip
    assert [gate.name for gate in score_gates(scores, "nir")] == ["day/truth_highpass", "night/truth_highpass"]


@pytest.mark.parametrize(("gates_from", "steps"), [("3", 3), ("4", 6), ("null", 6)])
def test_run_is_stopped_from_the_given_step(tmp_path: Path, gates_from: str, steps: int) -> None:
    root, lines = make_root(tmp_path), []  # type: ignore[var-annotated]
    recipe = recipe_of(root, training__gates_from=gates_from)
    trainer = Trainer(recipe, root, RunFolder(root / "run", lines.append))
    trainer.run()
    # After few steps a network has no detail of the truth.
    assert trainer.step == steps
    assert trainer.folder.checkpoint.is_file()
    stopping = [line for line in lines if line.startswith("stopping, since gates fail from step")]
    assert len(stopping) == (gates_from != "null")
    assert any("pairs/truth_highpass" in line and "FAILED" in line for line in lines)
    values = [e["values"] for e in read_events(root / "run")[0] if e["kind"] == "metrics"]
    assert "validation/gates/pairs/truth_highpass" in values[0]
