"""Distance of feature statistics against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.metrics.style_distance import feature_moments, style_distance


def features(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 3 + level, 8, 9, generator=generator) for level in range(5)]


def test_agrees_with_the_formula() -> None:
    a, b = features(0), features(1)
    levels = []
    for level in range(4):
        x, y = (features[level][0].flatten(1).numpy() for features in (a, b))
        gap = np.linalg.norm(x.mean(1) - y.mean(1)) + np.linalg.norm(x.std(1) - y.std(1))
        levels.append(gap / (np.linalg.norm(y.mean(1)) + np.linalg.norm(y.std(1))))
    found = style_distance(feature_moments(a), feature_moments(b)).item()
    assert found == pytest.approx(np.mean(levels), rel=1e-5)


def test_does_not_depend_on_the_networks_scale() -> None:
    a, b = features(0), features(1)
    scaled = style_distance(feature_moments([1000 * x for x in a]), feature_moments([1000 * x for x in b]))
    assert scaled.item() == pytest.approx(style_distance(feature_moments(a), feature_moments(b)).item(), rel=1e-5)
    assert style_distance(feature_moments(a), feature_moments(a)).item() == 0
