from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_transfer.nn.thermal.windows import Window, sample


@given(
    stride=st.sampled_from([1, 2, 3, 4, 8]),
    height=st.integers(3, 60),
    width=st.integers(3, 60),
    places=st.tuples(*[st.floats(0, 1)] * 4),
)
@settings(max_examples=60)
def test_a_window_is_the_part_of_the_whole(
    stride: int, height: int, width: int, places: tuple[float, float, float, float]
) -> None:
    maps = torch.randn(2, 3, -(-height // stride), -(-width // stride), generator=torch.Generator().manual_seed(0))
    top, left = int(places[0] * (height - 1)), int(places[1] * (width - 1))
    tall, wide = 1 + int(places[2] * (height - 1 - top)), 1 + int(places[3] * (width - 1 - left))
    whole = sample(maps, Window.whole(height, width), stride)
    assert whole.shape == (2, 3, height, width)
    part = sample(maps, Window(top, left, tall, wide, height, width), stride)
    torch.testing.assert_close(part, whole[..., top : top + tall, left : left + wide], atol=1e-5, rtol=0)


@pytest.mark.parametrize("stride", [2, 4])
def test_the_whole_is_bilinear(stride: int) -> None:
    maps = torch.rand(1, 2, 5, 7)
    expected = F.interpolate(maps, scale_factor=stride, mode="bilinear", align_corners=False)
    torch.testing.assert_close(sample(maps, Window.whole(5 * stride, 7 * stride), stride), expected)


def test_rows_are_counted_from_the_window() -> None:
    assert Window(8, 4, 20, 12, 100, 90).rows(3, 9) == Window(11, 4, 6, 12, 100, 90)
