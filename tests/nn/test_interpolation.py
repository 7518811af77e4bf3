"""Linear interpolation along one axis."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ir_transfer.nn.interpolation import interpolated


def test_values_between_and_beyond_the_maps() -> None:
    maps = torch.tensor([[[[0.0, 10.0], [4.0, 20.0]]]])
    places = torch.tensor([-1.0, 0.0, 0.25, 1.0, 7.0])
    assert interpolated(maps, -2, places)[0, 0].T.tolist() == [[0, 0, 1, 4, 4], [10, 10, 12.5, 20, 20]]
    assert interpolated(maps, -1, places)[0, 0].tolist() == [[0, 0, 2.5, 10, 10], [4, 4, 8, 20, 20]]


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize(("count", "size"), [(7, 20), (20, 7), (1, 5), (9, 9)])
def test_equal_steps_over_the_whole_axis_equal_torch(axis: int, count: int, size: int) -> None:
    maps = torch.rand(2, 3, count, count)
    found = interpolated(maps, axis, (torch.arange(size) + 0.5) * count / size - 0.5)
    wanted = F.interpolate(maps, (size, count) if axis == -2 else (count, size), mode="bilinear")
    torch.testing.assert_close(found, wanted)
    assert found.dtype == maps.dtype
    assert interpolated(maps.bfloat16(), axis, torch.zeros(2)).dtype == torch.bfloat16
