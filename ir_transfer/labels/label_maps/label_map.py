"""Label maps: a class number for each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError

NO_LABEL = 0
"""Level of pixels without a label: black, level 0, or outside of every polygon."""
MAX_LABELS = 256

Levels = NDArray[np.int64]


@dataclass(frozen=True)
class LabelMap:
    """The label map of one image.

    Attributes:
        levels: int64 (H, W); a colour is ``65536 red + 256 green + blue``.
        coloured: Whether the labels are colours, not numbers.
        names: Names of labels, where the file has them.
    """

    levels: Levels
    coloured: bool = False
    names: Mapping[int, str] = field(default_factory=dict)

    @cached_property
    def labels(self) -> frozenset[int]:
        """All levels that occur."""
        return frozenset(np.unique(self.levels).tolist())

    def describe(self, label: int) -> str:
        """Return a label as text: ``#ff8000``, ``3`` or ``3 (person)``."""
        if self.coloured:
            return f"#{label:06x}"
        return f"{label} ({self.names[label]})" if label in self.names else str(label)


def resized_labels(levels: Levels, height: int, width: int, name: str, *, fit: bool) -> Levels:
    """Return labels (height, width) at the size of their image.

    Args:
        levels: (h, w).
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        name: Name of the file in error messages.
        fit: Resize by nearest neighbour; otherwise another size is an error.

    Raises:
        InputError: Another size without ``fit``.
    """
    if levels.shape == (height, width):
        return levels
    if not fit:
        raise InputError(
            f"{name}: expected the size of its image, {width} x {height}, got {levels.shape[1]} x "
            f"{levels.shape[0]}: export it at that size, or pass --fit-masks"
        )
    return resize_nearest(levels, height, width)


def resize_nearest(levels: Levels, height: int, width: int) -> Levels:
    """Resize labels (h, w) to (height, width): each pixel takes the label at its centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * (old / new)).astype(int)
        for new, old in zip((height, width), levels.shape, strict=True)
    )
    resized: Levels = levels[rows[:, None], columns]
    return resized
