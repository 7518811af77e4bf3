"""Label maps (a class number for each pixel), and reading them from images."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.remote import stored_bytes

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


SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
"""Lossless formats; JPEG changes levels."""
_INDEX_MODES = frozenset({"1", "L", "P", "I;16", "I;16B", "I"})
_COLOUR_MODES = frozenset({"RGB", "RGBA"})


def read_label_image(path: Path) -> LabelMap:
    """Read a label image; see :func:`read_levels`.

    Raises:
        DecodeError: The file is damaged or not an image.
        InputError: An unsupported mode, or more than :data:`MAX_LABELS` labels.
    """
    found = read_levels(path)
    if len(found.labels) > MAX_LABELS:
        raise InputError(
            f"{path}: expected at most {MAX_LABELS} labels, got {len(found.labels)}: "
            "draw without smooth edges and export PNG"
        )
    return found


def read_levels(path: Path) -> LabelMap:
    """Return the levels of an image: palette indices, gray levels (8 or 16 bit), or packed RGB colours.

    The colours of a palette are only for display. Transparent pixels have no label.

    Raises:
        DecodeError: The file is damaged or not an image.
        InputError: An unsupported mode.
    """
    try:
        with Image.open(io.BytesIO(stored_bytes(path))) as image:
            if image.mode not in _INDEX_MODES | _COLOUR_MODES:
                raise InputError(f"{path}: expected 8 or 16 bit levels or RGB colours, got {image.mode}: export PNG")
            coloured = image.mode in _COLOUR_MODES
            levels = np.asarray(image).astype(np.int64)
    except InputError:
        raise
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(f"{path}: expected a mask of labels, got a damaged file ({error}): replace it") from error
    return LabelMap(_pack_colours(levels) if coloured else levels, coloured)


def _pack_colours(colours: Levels) -> Levels:
    packed: Levels = colours[..., :3] @ np.array([65536, 256, 1])
    return np.where(colours[..., 3] == 0, 0, packed) if colours.shape[2] == 4 else packed
