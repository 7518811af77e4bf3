"""Local strength of detail."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene
from ir_transfer.losses.detail_strength import detail_strength


def scene(output: Tensor, truth: Tensor) -> Scene:
    return Scene(torch.zeros(len(truth), 3, *truth.shape[-2:]), truth, output)


@pytest.fixture
def noise() -> Tensor:
    return CANONICAL_DEVIATION * torch.randn(2, 1, 128, 192, generator=torch.Generator().manual_seed(0))


def test_invariant_to_sign_shift_and_common_gain(noise: Tensor) -> None:
    assert detail_strength(scene(-noise, noise)).item() == pytest.approx(0, abs=1e-5)
    assert detail_strength(scene(4 * noise, noise)).item() == pytest.approx(0, abs=0.01)
    assert detail_strength(scene(noise.roll(3, -1), noise)) < 0.05


def test_misplaced_detail_costs_the_log_ratio(noise: Tensor) -> None:
    """One half is four times as strong: each half differs from the mean log ratio by log 2."""
    strong = torch.cat([4 * noise[..., :96], noise[..., 96:]], dim=-1)
    assert detail_strength(scene(strong, noise)).item() == pytest.approx(math.log(2), rel=0.1)


def test_gradient_moves_detail_to_where_the_ground_truth_has_it(noise: Tensor) -> None:
    truth = torch.cat([noise[..., :96], 0.2 * noise[..., 96:]], dim=-1)
    strength = torch.ones(1, 1, 1, 192, requires_grad=True)
    (gradient,) = torch.autograd.grad(detail_strength(scene(strength * noise, truth)), strength)
    assert gradient[..., :80].mean() < 0 < gradient[..., 112:].mean()


def test_target_detail_is_not_below_the_noise_level(noise: Tensor) -> None:
    flat, faint = torch.zeros_like(noise), 0.002 * noise
    assert detail_strength(scene(faint, flat)).item() == pytest.approx(0, abs=0.02)
