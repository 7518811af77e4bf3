"""The grid of tiles of an image: the window that each tile produces, and the context window that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ir_transfer.conversion.controls import SMALLEST_TILE
from ir_transfer.errors import InputError
from ir_transfer.models.info import TileNeeds
from ir_transfer.nn.limits import SMALLEST_SIDE


@dataclass(frozen=True)
class Window:
    """A box of pixels: rows ``y0`` to ``y1`` and columns ``x0`` to ``x1``, ends excluded."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    def inside(self, other: Window) -> tuple[int, int, int, int]:
        """Return top, left, bottom and right of this box relative to the upper left corner of another."""
        return self.y0 - other.y0, self.x0 - other.x0, self.y1 - other.y0, self.x1 - other.x0

    def halves(self, multiple: int) -> list[Window]:
        """Return the halves of this box, its longer side cut at a multiple; nothing if no multiple is inside."""
        if self.height >= self.width:
            cut = (self.y0 + self.y1) // 2 // multiple * multiple
            first, second = Window(self.y0, self.x0, cut, self.x1), Window(cut, self.x0, self.y1, self.x1)
        else:
            cut = (self.x0 + self.x1) // 2 // multiple * multiple
            first, second = Window(self.y0, self.x0, self.y1, cut), Window(self.y0, cut, self.y1, self.x1)
        return [first, second] if min(first.height, first.width) > 0 else []


def aligned_tile_size(tile: int, needs: TileNeeds) -> int:
    """Round the side of tiles down to the multiple that the model needs.

    Raises:
        InputError: The side is below 64 pixels.
    """
    if tile < SMALLEST_TILE:
        raise InputError(f"expected tiles of at least {SMALLEST_TILE} pixels, got {tile}: use a larger --tile-size")
    return max(tile // needs.multiple, 1) * needs.multiple


def grid_windows(height: int, width: int, tile: int) -> Iterator[Window]:
    """Yield the windows that the tiles of an image produce, row by row; they partition the image."""
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            yield Window(y, x, min(y + tile, height), min(x + tile, width))


def context_window(core: Window, radius: int, multiple: int, height: int, width: int) -> Window:
    """Return the window that a tile reads to produce its core: larger by the radius on each side, aligned, clipped.

    It is at least as large as models require, unless the image (height, width) itself is smaller.
    """
    reach = -(-max(radius, SMALLEST_SIDE) // multiple) * multiple
    return Window(
        max(core.y0 - reach, 0), max(core.x0 - reach, 0), min(core.y1 + reach, height), min(core.x1 + reach, width)
    )
