from __future__ import annotations

import pytest
import torch

from ir_transfer.nn.thermal.detail_strength import DetailStrength


@pytest.fixture
def strength() -> DetailStrength:
    return DetailStrength(width=4)


def test_it_is_1_until_it_is_trained(strength: DetailStrength) -> None:
    found = strength(torch.randn(2, 4, 5, 6))
    assert found.shape == (2, 1, 5, 6)
    assert bool((found == 1).all())


@torch.no_grad()
def test_each_position_has_its_own_factor_within_limits(strength: DetailStrength) -> None:
    strength.head.weight[0, 0] = 1
    level = torch.zeros(1, 4, 4, 6)
    level[:, 0, :, :3], level[:, 0, :, 3:] = 0.5, -100
    found = strength(level)
    torch.testing.assert_close(found[..., :3], torch.full((1, 1, 4, 3), 1.632), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[..., 3:], torch.full((1, 1, 4, 3), 0.1353), atol=1e-3, rtol=0)


@torch.no_grad()
def test_half_precision_does_not_round_it(strength: DetailStrength) -> None:
    strength.head.weight.normal_()
    level = torch.randn(1, 4, 4, 4).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = strength(level)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, strength(level.float()))
