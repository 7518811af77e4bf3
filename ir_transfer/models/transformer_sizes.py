"""The sizes of the feed-forward transformer that several models share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ir_transfer.errors import InputError

_DEFAULTS = {"compact": ((16, 24, 48, 96), 5), "paper": ((32, 64, 128), 5)}


@dataclass(frozen=True)
class TransformerSize:
    """Size of a :class:`~ir_transfer.nn.transformer.Transformer`.

    Attributes:
        name: ``"compact"`` or ``"paper"``.
        widths: Channels of each level.
        blocks: Residual blocks.
    """

    name: str
    widths: tuple[int, ...]
    blocks: int

    @property
    def rows(self) -> bool:
        """Whether the height in the picture is an input: an infrared sky is dark because it is above."""
        return self.name == "compact"

    @property
    def skips(self) -> bool:
        """Whether features of the encoder are added on the way up."""
        return self.name == "compact"

    @property
    def stored(self) -> dict[str, Any]:
        """The hyper-parameters to keep with the weights."""
        return {"size": self.name, "widths": list(self.widths), "blocks": self.blocks}


def transformer_size(name: str, widths: Sequence[int] | None, blocks: int | None) -> TransformerSize:
    """Return a size by name, with other widths and blocks where they are given.

    Raises:
        InputError: An unknown name, or fewer than two levels.
    """
    if name not in _DEFAULTS:
        raise InputError(f"expected size to be one of {', '.join(_DEFAULTS)}, got {name!r}")
    default_widths, default_blocks = _DEFAULTS[name]
    chosen = tuple(widths or default_widths)
    if len(chosen) < 2:
        raise InputError(f"expected two or more widths, got {list(chosen)}")
    return TransformerSize(name, chosen, default_blocks if blocks is None else blocks)
