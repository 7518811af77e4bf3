"""Perceptual and style distance against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.metrics.features import feature_moments, style_distance, unit_distance, unit_length
from ir_transfer.nn.perceptual import PerceptualEncoder


def distance(encoder: PerceptualEncoder, output: torch.Tensor, ground_truth: torch.Tensor) -> torch.Tensor:
    return unit_distance(*(unit_length(list(encoder(image).values())) for image in (output, ground_truth)))


@pytest.fixture(scope="module")
def encoder() -> PerceptualEncoder:
    torch.manual_seed(0)
    return PerceptualEncoder((4, 8, 8, 8, 8))


@torch.inference_mode()
def test_is_the_mean_squared_difference_of_unit_features(encoder: PerceptualEncoder) -> None:
    a, b = torch.rand(2, 2, 1, 48, 64)
    expected = torch.zeros(2)
    for pair in zip(encoder(a).values(), encoder(b).values(), strict=True):
        x, y = (features / features.square().sum(1, keepdim=True).sqrt() for features in pair)
        expected += (x - y).square().sum(1).flatten(1).mean(1) / 5
    assert torch.allclose(distance(encoder, a, b), expected, atol=1e-5)


@torch.inference_mode()
def test_is_0_for_equal_images_and_symmetric(encoder: PerceptualEncoder) -> None:
    a, b = torch.rand(2, 1, 1, 32, 32)
    assert distance(encoder, a, a).item() == 0
    assert torch.allclose(distance(encoder, a, b), distance(encoder, b, a))


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


def test_is_invariant_to_the_feature_scale() -> None:
    a, b = features(0), features(1)
    scaled = style_distance(feature_moments([1000 * x for x in a]), feature_moments([1000 * x for x in b]))
    assert scaled.item() == pytest.approx(style_distance(feature_moments(a), feature_moments(b)).item(), rel=1e-5)
    assert style_distance(feature_moments(a), feature_moments(a)).item() == 0
