from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.losses.gradient import gradient


def smooth(seed: int, scale: float = 0.2) -> Tensor:
    cells = torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(seed))
    return 0.5 + scale * F.interpolate(cells, (96, 96), mode="bicubic")


def cost(output: Tensor, truth: Tensor) -> float:
    return gradient(Scene(torch.zeros(1, 3, 96, 96), truth, output)).item()


def test_ground_truth_costs_nearly_nothing_and_its_negative_most() -> None:
    truth = smooth(0)
    right, flat, other, inverse = (cost(o, truth) for o in (truth, torch.full_like(truth, 0.5), smooth(1), 1 - truth))
    assert right < 0.15  # the floor of the strength takes a part
    assert right < other < inverse
    assert inverse > 1.6
    assert flat > right + 0.8
    assert flat > cost(0.5 + 0.3 * (truth - 0.5), truth), "weak detail in its place is better than none"


def test_strong_gradients_cost_0_for_the_ground_truth() -> None:
    ramp = torch.linspace(0, 20, 96).expand(1, 1, 96, 96)
    assert cost(ramp, ramp) == pytest.approx(0, abs=0.02)
    assert cost(-ramp, ramp) == pytest.approx(2, abs=0.05)  # shifted fields end at the border


def test_gain_costs_its_logarithm() -> None:
    ramp = torch.linspace(0, 20, 96).expand(1, 1, 96, 96)
    for gain in (0.25, 4.0):
        assert cost(gain * ramp, ramp) == pytest.approx(abs(torch.tensor(gain).square().log().item()) / 4, abs=0.03)


def test_shifts_of_two_pixels_are_tolerated_and_of_eight_are_not() -> None:
    truth = F.interpolate(torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)), (96, 96)) * 0.3
    shifted = {pixels: cost(truth.roll(pixels, 3), truth) for pixels in (0, 2, 8)}
    assert shifted[2] < shifted[0] + 0.15
    assert shifted[8] > shifted[0] + 0.5


def test_all_thirteen_shifts_are_tolerated() -> None:
    truth = F.interpolate(torch.randn(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)), (96, 96)) * 0.3
    for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0), (2, 2), (-2, 2), (2, 0), (0, -2)):
        assert cost(truth.roll((dy, dx), (2, 3)), truth) < cost(truth, truth) + 0.2


def test_flat_ground_truth_has_no_gradient_direction() -> None:
    truth = smooth(0)
    truth[..., :48, :] = 0.5
    noisy = truth.clone()
    noisy[..., :40, :] += 0.02 * torch.randn(1, 1, 40, 96, generator=torch.Generator().manual_seed(1))
    one_edge = truth.clone()
    one_edge[..., 56:, :] = 1 - one_edge[..., 56:, :]
    assert cost(one_edge, truth) > 2 * cost(noisy, truth)
