"""Mean average precision."""

from __future__ import annotations

import sys

import pytest
import torch

from ir_transfer.errors import MissingFileError
from ir_transfer.evaluation.detection.score import check_torchmetrics, mean_average_precision

TRUE = [
    {"boxes": torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), "labels": torch.tensor([0, 1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def test_what_is_found_exactly_scores_1() -> None:
    found = [{**objects, "scores": torch.ones(len(objects["labels"]))} for objects in TRUE]
    precision = mean_average_precision(found, TRUE, ["person", "vehicle"])
    assert precision.map == precision.map50 == pytest.approx(1)
    assert precision.per_label == pytest.approx({"person": 1, "vehicle": 1})


def test_a_loose_frame_counts_at_low_overlaps_and_a_missed_label_is_0() -> None:
    loose = {"boxes": torch.tensor([[0.0, 0, 10, 7]]), "labels": torch.tensor([0]), "scores": torch.tensor([0.9])}
    none = {key: value[:0] for key, value in loose.items()}
    precision = mean_average_precision([loose, none], TRUE, ["person", "vehicle"])
    assert precision.map50 == pytest.approx(0.5)
    assert precision.per_label["vehicle"] == 0
    assert 0.3 < precision.per_label["person"] < 0.6  # an overlap of 0.7: found at 0.50 to 0.65 or 0.70


def test_without_pycocotools_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    check_torchmetrics()
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(MissingFileError, match=r"pip install 'ir-transfer\[detect\]'"):
        check_torchmetrics()
