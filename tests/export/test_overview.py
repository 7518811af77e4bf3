"""The factor as a table, and the reduction by a factor that is a tensor."""

from __future__ import annotations

import math

import pytest
import torch

from ir_transfer.export.overview import factor_table, traced_overview
from ir_transfer.nn.thermal.overview import overview_of
from tests.models.small_thermal import scene


def factor_of(pixels: int) -> int:
    return max(1, math.ceil(math.sqrt(pixels / 500)))


def test_table_equals_the_function() -> None:
    table = factor_table(factor_of, 20_000)
    for height in (1, 20, 22, 23, 31, 32, 33, 100, 141):
        for width in (1, 20, 25, 40, 63, 64, 141):
            found = int(table.factor(torch.tensor(height), torch.tensor(width)))
            assert found == factor_of(height * width), (height, width)


def test_constant_function_has_one_step() -> None:
    assert factor_table(lambda pixels: 3, 1000) == ((), (3,))


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 33)])
def test_cells_are_averaged_including_partial_ones(factor: int, size: tuple[int, int]) -> None:
    image = scene(*size)
    found = traced_overview(image, torch.tensor(factor))
    torch.testing.assert_close(found, overview_of(image, factor), atol=1e-6, rtol=0)
