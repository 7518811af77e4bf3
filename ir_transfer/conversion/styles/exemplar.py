"""Exemplars: infrared pictures whose look the results take."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.image_io import MAX_PIXELS, read_picture
from ir_transfer.errors import InputError, MissingFileError

SMALLEST_SIDE = 16
_FLAT = 1 / 255  # a range below one 8-bit level holds no look

logger = logging.getLogger(__name__)


def read_exemplar(path: Path, max_pixels: int = MAX_PIXELS, *, keep_colour: bool = False) -> NDArray[np.float32]:
    """Read an exemplar as (1, h, w) in [0, 1]; colour becomes luma, with a warning.

    Args:
        path: Gray or colour picture, 8 or 16 bit.
        max_pixels: Larger pictures are refused.
        keep_colour: Return (3, h, w), for published checkpoints that take colour exemplars.

    Raises:
        MissingFileError: No such file.
        DecodeError: No readable picture.
        InputError: A folder, smaller than 16 pixels, or the same level everywhere.
    """
    if path.is_dir():
        raise InputError(
            f"expected one exemplar, got the folder {path}: make a style of it with ir-transfer styles build"
        )
    if not path.is_file():
        raise MissingFileError(
            f"expected an exemplar at {path}, found none: check the path, or use preset:NAME (see ir-transfer styles)"
        )
    picture = read_picture(path, max_pixels)
    if min(picture.height, picture.width) < SMALLEST_SIDE:
        raise InputError(
            f"{path}: expected an exemplar of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, "
            f"got {picture.width} x {picture.height}: use a larger one"
        )
    gray = picture.gray()
    if float(np.ptp(gray)) < _FLAT:
        raise InputError(f"{path}: expected an exemplar with contrast, got one level everywhere: use another picture")
    if keep_colour:
        return picture.rgb()
    if picture.is_colour:
        logger.warning("%s is a colour picture: its luma is taken as infrared; a gray exemplar is meant", path)
    return gray
