from __future__ import annotations

import pytest
import torch
from torch import Tensor

from scripts.detail_bound import explained


@pytest.fixture
def luma() -> Tensor:
    return torch.rand(1, 1, 64, 96, generator=torch.Generator().manual_seed(0))


def test_detail_of_either_sign_is_explained_where_the_sign_is_constant(luma: Tensor) -> None:
    truth = luma.clone()
    truth[..., 32:] = 1 - 0.5 * truth[..., 32:]
    sign, gain = explained(luma, truth, 32)
    assert 0.9 < sign < gain < 1  # the border between both signs is not exact
    assert min(explained(luma, 1 - luma, 32)) == pytest.approx(1, abs=1e-4)


def test_smaller_squares_explain_more(luma: Tensor) -> None:
    truth = torch.rand(luma.shape, generator=torch.Generator().manual_seed(1))
    coarse, fine = explained(luma, truth, 32), explained(luma, truth, 8)
    assert coarse[0] < 0.06 < fine[0]
    assert coarse[1] < fine[1]
