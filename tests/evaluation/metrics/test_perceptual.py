"""The perceptual distance against its definition."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.evaluation.metrics.perceptual import perceptual_distance
from ir_transfer.nn.perceptual import PerceptualEncoder


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
    assert torch.allclose(perceptual_distance(encoder, a, b), expected, atol=1e-5)


@torch.inference_mode()
def test_is_zero_for_equal_and_symmetric(encoder: PerceptualEncoder) -> None:
    a, b = torch.rand(2, 1, 1, 32, 32)
    assert perceptual_distance(encoder, a, a).item() == 0
    assert torch.allclose(perceptual_distance(encoder, a, b), perceptual_distance(encoder, b, a))
