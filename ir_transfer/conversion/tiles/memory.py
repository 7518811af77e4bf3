"""Which images and tiles fit a memory budget."""

from __future__ import annotations

import ctypes
import math
import sys

from ir_transfer.conversion.size_options import MEMORY, SMALLEST_TILE
from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import Informed, tiles_of
from ir_transfer.models.info import TileNeeds
from ir_transfer.nn.limits import SMALLEST_SIDE

LARGEST_TILE = 4096

_PROCESS = 700 * 10**6
"""Measured: the interpreter, torch, GDAL and a model before the first image, and the heap's slack."""


def fits_whole(model: Informed, height: int, width: int, memory: int = MEMORY) -> bool:
    """Return whether an image may be translated at once within so many bytes, the process's own included.

    Raises:
        InputError: The model does not tile: it has no figure, and there is nothing to choose.
    """
    return _PROCESS + device_bytes(model, height, width) <= memory


def process_bytes() -> int:
    """Return what the process takes before the first image."""
    return _PROCESS


def device_bytes(model: Informed, height: int, width: int) -> int:
    """Return the bytes that translating an image or tile at once takes, the process's own left out.

    Raises:
        InputError: The model does not tile, and has no figure.
    """
    needs = tiles_of(model).tile_needs
    return needs.fixed_bytes + needs.bytes_per_pixel * height * width


def tile_for(model: Informed, memory: int = MEMORY) -> int:
    """Return the side of the largest tiles that fit so many bytes, the process's own included.

    Larger tiles are faster: less of the work is done for the surroundings.

    Raises:
        InputError: The model does not tile, or not even the smallest tiles fit.
    """
    needs = tiles_of(model).tile_needs
    around = 0 if model.info.tiling == "overview" else 2 * _reach(needs)
    side = math.isqrt(max(memory - _PROCESS - needs.fixed_bytes, 0) // needs.bytes_per_pixel) - around
    if side < SMALLEST_TILE:
        least = _PROCESS + needs.fixed_bytes + needs.bytes_per_pixel * (SMALLEST_TILE + around) ** 2
        raise InputError(
            f"expected at least {math.ceil(least / 10**6)} MB for tiles of model {model.info.name!r}, got "
            f"{memory / 10**6:.0f} MB: raise --memory"
        )
    return min(side, LARGEST_TILE) // needs.multiple * needs.multiple


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of torch or Python says that the memory is spent."""
    # By its name: a run without torch meets no such error, and must not import it to find out.
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)


def return_freed() -> None:
    """Give freed memory back to the system where the C library is glibc.

    Feature maps of changing sizes leave holes in its heap: over many tiles these grew to 900 MB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _reach(needs: TileNeeds) -> int:
    return -(-max(needs.output, SMALLEST_SIDE) // needs.multiple) * needs.multiple
