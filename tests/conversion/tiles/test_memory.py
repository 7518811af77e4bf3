from __future__ import annotations

import pytest

from ir_transfer import create_model
from ir_transfer.conversion.tiles.memory import LARGEST_TILE, fits_whole, tile_for
from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import tiles_of


@pytest.mark.parametrize("name", ["adain", "wct2", "gray"])
def test_the_largest_tile_that_fits(name: str) -> None:
    model = create_model(name, weights=None)
    needs = tiles_of(model).tile_needs
    for memory in (1100 * 10**6, 2 * 10**9, 8 * 10**9):
        tile = tile_for(model, memory)
        around = 0 if name in {"adain", "wct2"} else 2 * (-(-max(needs.output, 16) // needs.multiple) * needs.multiple)
        assert tile % needs.multiple == 0
        assert fits_whole(model, tile + around, tile + around, memory)
        larger = tile + around + needs.multiple
        assert tile >= LARGEST_TILE - needs.multiple or not fits_whole(model, larger, larger, memory)


def test_too_little_memory_is_told() -> None:
    with pytest.raises(InputError, match="at least 1051 MB for tiles of model 'adain', got 700 MB: raise --memory"):
        tile_for(create_model("adain", weights=None), 700 * 10**6)
    with pytest.raises(InputError, match="use adain or wct2"):
        fits_whole(create_model("histogram", weights=None), 100, 100)
