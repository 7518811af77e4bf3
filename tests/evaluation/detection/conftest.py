"""Small rendered streets with boxes of people and vehicles, and a shared experiment result."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer import create_model
from ir_transfer.data.pairs import list_pairs
from ir_transfer.evaluation.detection.conditions import SceneTranslator
from ir_transfer.evaluation.detection.experiment import Outcome, Training, run_experiment
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, load_labelled
from ir_transfer.evaluation.exemplars import Oracle
from ir_transfer.evaluation.methods import Method
from ir_transfer.synthetic.write import write_scenes


@pytest.fixture(scope="package")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair set of six scenes with ``boxes.json`` and ``annotations.json``."""
    root = tmp_path_factory.mktemp("streets") / "set"
    write_scenes(root, 6, size=(80, 64), seed=3, boxes=True)
    return root


@pytest.fixture(scope="package")
def scenes(streets: Path) -> list[LabelledScene]:
    """The same set as labelled scenes."""
    return load_labelled(list_pairs(streets), streets / "boxes.json")


@pytest.fixture(scope="package")
def outcome(scenes: list[LabelledScene]) -> Outcome:
    """Result of detectors trained for a few steps with two seeds."""
    methods = [Method("inverted", create_model("inverted"))]
    return run_experiment(scenes[:4], scenes[4:], methods, SceneTranslator(Oracle()), Training(2, (0, 1)))
