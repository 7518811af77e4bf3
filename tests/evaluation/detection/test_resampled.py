"""Resampled mean average precision beside torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ir_transfer.evaluation.detection.resampled import resampled_precision
from ir_transfer.evaluation.detection.score import mean_average_precision

Objects = dict[str, Tensor]


def _draw(seed: int, scenes: int = 5) -> tuple[list[Objects], list[Objects]]:
    """Return jittered, missed and invented frames of two labels."""
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
def test_is_that_of_torchmetrics(seed: int) -> None:
    found, true = _draw(seed)
    counts = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 3, 1]], dtype=np.float64)
    means, means50 = resampled_precision(found, true, 2, counts)
    for row, drawn in enumerate(counts):
        chosen = [scene for scene, count in enumerate(drawn) for _ in range(int(count))]
        expected = mean_average_precision([found[s] for s in chosen], [true[s] for s in chosen], ["a", "b"])
        assert means[row] == pytest.approx(expected.map, abs=1e-5)
        assert means50[row] == pytest.approx(expected.map50, abs=1e-5)


def test_nothing_found_is_0_and_nothing_to_find_is_unknown() -> None:
    _, true = _draw(1)
    true[2] = {key: value[:0] for key, value in true[2].items()}
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64), "scores": torch.zeros(0)}
    counts = np.stack([np.ones(5), np.eye(5)[2]])
    means, _ = resampled_precision([nothing] * 5, true, 2, counts)
    assert means[0] == 0
    assert np.isnan(means[1])
