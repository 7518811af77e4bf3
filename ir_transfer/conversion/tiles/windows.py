"""Tiles of an image: the part that each makes, and the surroundings it must see for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ir_transfer.errors import InputError
from ir_transfer.models.info import TileNeeds
from ir_transfer.nn.limits import SMALLEST_SIDE

SMALLEST_TILE = 64


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
        """Return top, left, bottom and right of this box counted from the corner of another."""
        return self.y0 - other.y0, self.x0 - other.x0, self.y1 - other.y0, self.x1 - other.x0

    def halves(self, multiple: int) -> list[Window]:
        """Return the two halves of the longer side, cut at a multiple; nothing if it has none to be cut at."""
        if self.height >= self.width:
            cut = (self.y0 + self.y1) // 2 // multiple * multiple
            first, second = Window(self.y0, self.x0, cut, self.x1), Window(cut, self.x0, self.y1, self.x1)
        else:
            cut = (self.x0 + self.x1) // 2 // multiple * multiple
            first, second = Window(self.y0, self.x0, self.y1, cut), Window(self.y0, cut, self.y1, self.x1)
        return [first, second] if min(first.height, first.width) > 0 else []


def aligned_tile(tile: int, needs: TileNeeds) -> int:
    """Return the side of tiles as near below ``tile`` as their corners must be aligned.

    Raises:
        InputError: Smaller than 64 pixels.
    """
    if tile < SMALLEST_TILE:
        raise InputError(f"expected tiles of at least {SMALLEST_TILE} pixels, got {tile}: use a larger --tile-size")
    return max(tile // needs.multiple, 1) * needs.multiple


def windows(height: int, width: int, tile: int) -> Iterator[Window]:
    """Yield the parts that the tiles of an image make, row by row; each pixel lies in exactly one."""
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            yield Window(y, x, min(y + tile, height), min(x + tile, width))


def surroundings(part: Window, radius: int, multiple: int, height: int, width: int) -> Window:
    """Return what a tile must see to make its part: the radius on each side, aligned, within the image.

    No side is below what models take, unless the image's own is.
    """
    reach = -(-max(radius, SMALLEST_SIDE) // multiple) * multiple
    return Window(
        max(part.y0 - reach, 0), max(part.x0 - reach, 0), min(part.y1 + reach, height), min(part.x1 + reach, width)
    )
