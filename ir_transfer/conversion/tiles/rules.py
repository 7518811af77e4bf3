"""Which translators work by tiles; free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import tiles_of

if TYPE_CHECKING:
    from ir_transfer.conversion.engine.translators import AnyTranslator


def refuse_untiled(translator: AnyTranslator) -> None:
    """Raise :class:`InputError` unless the translator's model and controls work on tiles."""
    controls = translator.controls
    asked = {"masks": controls.masked, "--style-grid": bool(translator.grid), "--keep-tone": controls.keep_tone}
    if found := [name for name, is_asked in asked.items() if is_asked]:
        raise InputError(
            f"expected no {' or '.join(found)} for an image that is translated by tiles: leave it out, or raise "
            "--memory so that the whole image fits"
        )
    _ = tiles_of(translator.model).tile_needs


def can_tile(translator: AnyTranslator) -> bool:
    """Return whether the translator's model and controls work on tiles."""
    try:
        refuse_untiled(translator)
    except InputError:
        return False
    return True
