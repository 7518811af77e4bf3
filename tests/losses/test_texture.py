"""Strength of texture at four scales."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene
from ir_transfer.losses.texture import texture


def scene(output: Tensor, truth: Tensor) -> Scene:
    return Scene(torch.zeros(len(truth), 3, *truth.shape[-2:]), truth, output)


@pytest.fixture
def noise() -> Tensor:
    return 0.5 + 4 * CANONICAL_DEVIATION * torch.randn(2, 1, 128, 160, generator=torch.Generator().manual_seed(0))


def test_ground_truth_and_its_negative_cost_nothing(noise: Tensor) -> None:
    assert texture(scene(noise, noise)).item() == pytest.approx(0, abs=1e-6)
    assert texture(scene(1 - noise, noise)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_gain_costs_its_logarithm(noise: Tensor, gain: float) -> None:
    assert texture(scene(noise * gain, noise)).item() == pytest.approx(math.log(2), abs=0.01)


def test_shift_costs_far_less_than_blur(noise: Tensor) -> None:
    shifted = texture(scene(noise.roll(3, -1), noise))
    blurred = texture(scene(torch.nn.functional.avg_pool2d(noise, 3, 1, 1), noise))
    assert shifted < 0.15 * blurred


def test_misplaced_texture_costs(noise: Tensor) -> None:
    left = torch.cat([noise[..., :80], torch.full_like(noise[..., 80:], 0.5)], dim=-1)
    assert texture(scene(left.flip(-1), left)) > 1


def test_flat_output_has_a_gradient_towards_texture(noise: Tensor) -> None:
    output = (0.5 + 0.1 * (noise - 0.5)).requires_grad_()
    (gradient,) = torch.autograd.grad(texture(scene(output, noise)), output)
    assert (gradient * (noise - 0.5)).sum() < 0
