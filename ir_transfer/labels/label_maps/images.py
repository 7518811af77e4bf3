"""Label maps from images: each colour, or each level of an index image, is a label."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.remote import stored_bytes
from ir_transfer.labels.label_maps.label_map import MAX_LABELS, LabelMap, Levels

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")
"""Lossless formats; JPEG changes levels."""
_INDEX_MODES = frozenset({"1", "L", "P", "I;16", "I;16B", "I"})
_COLOUR_MODES = frozenset({"RGB", "RGBA"})


def read_label_image(path: Path) -> LabelMap:
    """Read a label image; see :func:`read_levels`.

    Raises:
        DecodeError: The file is damaged or no image.
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
        DecodeError: The file is damaged or no image.
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
