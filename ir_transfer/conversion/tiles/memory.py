"""Support for tiles, the tile size for a memory limit, and out-of-memory errors; does not import torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ir_transfer.conversion.controls import MEMORY, SMALLEST_TILE
from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import Informed, tiles_of
from ir_transfer.nn.limits import SMALLEST_SIDE

if TYPE_CHECKING:
    from ir_transfer.conversion.exported.translator import AnyTranslator

LARGEST_TILE = 4096

_PROCESS = 820 * 10**6
"""Measured size of the process before the first image: interpreter, torch, GDAL, a model, an exemplar, heap slack."""


def refuse_untiled(translator: AnyTranslator) -> None:
    """Raise :class:`InputError` unless the translator's model and controls support tiles."""
    controls = translator.controls
    used = {"masks": controls.masked, "--style-grid": bool(translator.grid), "--keep-tone": controls.keep_tone}
    if found := [name for name, is_used in used.items() if is_used]:
        raise InputError(
            f"expected no {' or '.join(found)} for an image that is translated in tiles: omit it, or raise "
            "--memory (and --tile-size, if set) so that the whole image fits"
        )
    _ = tiles_of(translator.model).tile_needs


def can_tile(translator: AnyTranslator) -> bool:
    """Return whether the translator's model and controls support tiles."""
    try:
        refuse_untiled(translator)
    except InputError:
        return False
    return True


def process_bytes() -> int:
    """Return the memory in bytes that the process takes before the first image."""
    return _PROCESS


def device_bytes(model: Informed, height: int, width: int) -> int:
    """Return the memory in bytes for translating one image or tile, excluding that of the process.

    Raises:
        InputError: The model does not support tiles, so its memory is unknown.
    """
    needs = tiles_of(model).tile_needs
    return needs.fixed_bytes + needs.bytes_per_pixel * height * width


def tile_for(model: Informed, memory: int = MEMORY) -> int:
    """Return the side of the largest tiles that fit in ``memory`` bytes, including those of the process.

    Larger tiles are faster, since a smaller share of the work is spent on their context.

    Raises:
        InputError: The model does not support tiles, or even the smallest tiles do not fit.
    """
    needs = tiles_of(model).tile_needs
    reach = -(-max(needs.output, SMALLEST_SIDE) // needs.multiple) * needs.multiple
    context = 0 if model.info.tiling == "overview" else 2 * reach
    side = math.isqrt(max(memory - _PROCESS - needs.fixed_bytes, 0) // needs.bytes_per_pixel) - context
    if side < SMALLEST_TILE:
        least = _PROCESS + needs.fixed_bytes + needs.bytes_per_pixel * (SMALLEST_TILE + context) ** 2
        raise InputError(
            f"expected at least {math.ceil(least / 10**6)} MB for tiles of model {model.info.name!r}, got "
            f"{memory / 10**6:.0f} MB: raise --memory"
        )
    return min(side, LARGEST_TILE) // needs.multiple * needs.multiple


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of torch or Python reports that memory is exhausted."""
    # Torch's class is recognised by name, so that a run without torch need not import it.
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)
