"""Earth mover's distance against SciPy."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import wasserstein_distance

from ir_transfer.evaluation.metrics.histogram_distance import histogram_distance


def test_agrees_with_scipy() -> None:
    a, b = torch.rand(2, 1, 20, 30), torch.rand(2, 1, 20, 30) ** 3
    expected = [wasserstein_distance(x.flatten().numpy(), y.flatten().numpy()) for x, y in zip(a, b, strict=True)]
    assert histogram_distance(a, b).tolist() == pytest.approx(expected, abs=1e-6)


def test_does_not_care_where_values_lie_and_measures_an_offset() -> None:
    picture = torch.rand(1, 1, 20, 30) * 0.8
    assert histogram_distance(picture.flip(3), picture).item() == 0
    assert histogram_distance(picture + 0.2, picture).item() == pytest.approx(0.2, abs=1e-6)
