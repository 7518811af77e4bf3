from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_transfer.conversion.tiles.grid import Window, aligned_tile_size, context_window, grid_windows
from ir_transfer.models.info import TileNeeds


@settings(max_examples=50, deadline=None)
@given(
    st.integers(16, 300), st.integers(16, 300), st.integers(64, 128), st.sampled_from([1, 8, 16]), st.integers(0, 60)
)
def test_tiles_cover_each_pixel_once_with_full_context(
    height: int, width: int, tile: int, multiple: int, radius: int
) -> None:
    side = aligned_tile_size(tile, TileNeeds(0, radius, multiple, 1))
    made = np.zeros((height, width), int)
    for part in grid_windows(height, width, side):
        made[part.y0 : part.y1, part.x0 : part.x1] += 1
        seen = context_window(part, radius, multiple, height, width)
        assert seen.y0 % multiple == seen.x0 % multiple == part.y0 % multiple == part.x0 % multiple == 0
        assert seen.y0 == max(0, seen.y0) <= max(0, part.y0 - radius)
        assert seen.x1 == min(width, seen.x1) >= min(width, part.x1 + radius)
        assert min(seen.height, seen.width) >= 16
        assert all(end % multiple == 0 or end == last for end, last in ((seen.y1, height), (seen.x1, width)))
    assert (made == 1).all()


@pytest.mark.parametrize(
    ("window", "halves"),
    [
        (Window(0, 0, 64, 40), [Window(0, 0, 32, 40), Window(32, 0, 64, 40)]),
        (Window(16, 16, 33, 50), [Window(16, 16, 33, 32), Window(16, 32, 33, 50)]),
        (Window(16, 16, 32, 32), []),
    ],
)
def test_halves_are_cut_at_a_multiple(window: Window, halves: list[Window]) -> None:
    assert window.halves(16) == halves
