from __future__ import annotations

import pytest

from ir_transfer import create_model
from ir_transfer.conversion.tiles.memory import LARGEST_TILE, device_bytes, process_bytes, tile_for
from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import tiles_of


@pytest.mark.parametrize("name", ["adain", "wct2", "gray"])
def test_the_largest_tile_that_fits(name: str) -> None:
    model = create_model(name, weights=None)
    needs = tiles_of(model).tile_needs
    for memory in (1200 * 10**6, 2 * 10**9, 8 * 10**9):
        tile = tile_for(model, memory)
        around = 0 if name in {"adain", "wct2"} else 2 * (-(-max(needs.output, 16) // needs.multiple) * needs.multiple)
        assert tile % needs.multiple == 0
        assert process_bytes() + device_bytes(model, tile + around, tile + around) <= memory
        larger = tile + around + needs.multiple
        too_large = process_bytes() + device_bytes(model, larger, larger) > memory
        assert tile >= LARGEST_TILE - needs.multiple or too_large


def test_too_little_memory_is_reported() -> None:
    with pytest.raises(InputError, match="at least 1171 MB for tiles of model 'adain', got 700 MB: raise --memory"):
        tile_for(create_model("adain", weights=None), 700 * 10**6)
    with pytest.raises(InputError, match="use adain or wct2"):
        device_bytes(create_model("histogram", weights=None), 100, 100)
