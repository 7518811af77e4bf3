from __future__ import annotations

import pytest
import torch
from kornia.color import rgb_to_grayscale

from ir_transfer.losses.base import Scene
from ir_transfer.losses.embossing import embossing


def scene(output: torch.Tensor, content: torch.Tensor) -> Scene:
    return Scene(content, torch.zeros_like(output), output)


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("gain", [1.0, 0.1, -0.5])
def test_one_signed_detail_costs_the_excess_at_any_contrast(gain: float) -> None:
    content = noise(2, 3, 64, 64, seed=0)
    assert embossing(scene(0.5 + gain * rgb_to_grayscale(content), content)).item() == pytest.approx(0.8, abs=1e-3)


def test_independent_and_mixed_sign_detail_costs_nothing() -> None:
    content = noise(2, 3, 64, 64, seed=0)
    luma = rgb_to_grayscale(content)
    assert embossing(scene(noise(2, 1, 64, 64, seed=1), content)).item() == 0
    assert embossing(scene(torch.cat([luma[..., :32], 1 - luma[..., 32:]], dim=-1), content)).item() == 0


def test_coarse_structure_is_not_embossing() -> None:
    content = noise(1, 3, 64, 64, seed=0)
    luma = rgb_to_grayscale(content)
    ramp = torch.linspace(0, 2, 64).expand(1, 1, 64, 64)
    plain, sloped = (embossing(scene(luma, photograph)) for photograph in (content, content + ramp))
    assert sloped.item() == pytest.approx(plain.item(), abs=0.04)


def test_gradient_reduces_embossing() -> None:
    content = noise(1, 3, 32, 32, seed=0)
    for sign in (1, -1):
        output = (0.5 + sign * 0.2 * rgb_to_grayscale(content) + 0.01 * noise(1, 1, 32, 32, seed=1)).requires_grad_()
        before = embossing(scene(output, content))
        (gradient,) = torch.autograd.grad(before, output)
        moved = output - 0.05 * gradient / gradient.abs().max()
        assert embossing(scene(moved, content)) < before - 1e-3
