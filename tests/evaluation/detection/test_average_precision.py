"""Average precision against torchmetrics."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import Tensor

from ir_transfer.errors import MissingFileError
from ir_transfer.evaluation.detection.average_precision import (
    bootstrap_precision,
    check_torchmetrics,
    mean_average_precision,
)

TRUE = [
    {"boxes": torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), "labels": torch.tensor([0, 1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def test_exact_detections_score_1() -> None:
    found = [{**objects, "scores": torch.ones(len(objects["labels"]))} for objects in TRUE]
    precision = mean_average_precision(found, TRUE, ["person", "vehicle"])
    assert precision.map == precision.map50 == pytest.approx(1)
    assert precision.per_label == pytest.approx({"person": 1, "vehicle": 1})


def test_loose_box_counts_at_low_iou_and_a_missed_class_scores_0() -> None:
    loose = {"boxes": torch.tensor([[0.0, 0, 10, 7]]), "labels": torch.tensor([0]), "scores": torch.tensor([0.9])}
    none = {key: value[:0] for key, value in loose.items()}
    precision = mean_average_precision([loose, none], TRUE, ["person", "vehicle"])
    assert precision.map50 == pytest.approx(0.5)
    assert precision.per_label["vehicle"] == 0
    assert 0.3 < precision.per_label["person"] < 0.6  # an overlap of 0.7: found at 0.50 to 0.65 or 0.70


def test_without_pycocotools_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    check_torchmetrics()
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(MissingFileError, match=r"pip install 'ir-transfer\[detect\]'"):
        check_torchmetrics()


Objects = dict[str, Tensor]


def _draw(seed: int, scenes: int = 5) -> tuple[list[Objects], list[Objects]]:
    """Return jittered, missing and false boxes of two labels."""
    random = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(scenes):
        count = int(random.integers(0, 6))
        corners, sides = random.uniform(0, 60, (count, 2)), random.uniform(6, 30, (count, 2))
        boxes = np.concatenate([corners, corners + sides], axis=1)
        labels = random.integers(0, 2, count)
        true.append({"boxes": torch.tensor(boxes).float(), "labels": torch.tensor(labels)})
        repeated = np.repeat(boxes, 2, axis=0)
        noisy = repeated + random.normal(0, 2, repeated.shape)
        kept = random.random(len(noisy)) < 0.7
        wrong = np.where(random.random(len(noisy)) < 0.1, 1 - np.repeat(labels, 2), np.repeat(labels, 2))
        found.append(
            {
                "boxes": torch.tensor(noisy[kept]).float(),
                "labels": torch.tensor(wrong[kept]),
                "scores": torch.tensor(random.random(int(kept.sum()))).float(),
            }
        )
    return found, true


@pytest.mark.parametrize("seed", range(4))
def test_equals_torchmetrics(seed: int) -> None:
    found, true = _draw(seed)
    counts = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 3, 1]], dtype=np.float64)
    means, means50 = bootstrap_precision(found, true, 2, counts)
    for row, drawn in enumerate(counts):
        chosen = [scene for scene, count in enumerate(drawn) for _ in range(int(count))]
        expected = mean_average_precision([found[s] for s in chosen], [true[s] for s in chosen], ["a", "b"])
        assert means[row] == pytest.approx(expected.map, abs=1e-5)
        assert means50[row] == pytest.approx(expected.map50, abs=1e-5)


def test_no_detections_score_0_and_no_ground_truth_is_undefined() -> None:
    _, true = _draw(1)
    true[2] = {key: value[:0] for key, value in true[2].items()}
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "scores": torch.zeros(0)}
    counts = np.stack([np.ones(5), np.eye(5)[2]])
    means, _ = bootstrap_precision([nothing] * 5, true, 2, counts)
    assert means[0] == 0
    assert np.isnan(means[1])
