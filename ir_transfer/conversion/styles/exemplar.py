"""Style exemplars: infrared images whose appearance the results take on."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.exemplars.read import exemplar_notes, open_exemplar
from ir_transfer.imaging.exemplars.report import ExemplarReport
from ir_transfer.imaging.image_io import MAX_PIXELS, read_image

logger = logging.getLogger(__name__)


def read_exemplar(
    path: Path,
    max_pixels: int = MAX_PIXELS,
    *,
    keep_colour: bool = False,
    asked_range: AskedRange = "auto",
    crop: bool = True,
) -> NDArray[np.float32]:
    """Read an exemplar as (1, h, w) in [0, 1]; invalid pixels are filled from their neighbours.

    Args:
        path: See :func:`~ir_transfer.imaging.exemplars.read.open_exemplar`, also for the errors.
        max_pixels: Images with more pixels are refused.
        keep_colour: Return (3, h, w), for published checkpoints that take colour exemplars.
        asked_range: Values of the file for black and white, or how to determine them.
        crop: Cut off borders without valid pixels; otherwise the size is that of the file.
    """
    return read_with_report(path, max_pixels, keep_colour=keep_colour, asked_range=asked_range, crop=crop)[0]


def read_with_report(
    path: Path,
    max_pixels: int = MAX_PIXELS,
    *,
    keep_colour: bool = False,
    asked_range: AskedRange = "auto",
    crop: bool = True,
) -> tuple[NDArray[np.float32], ExemplarReport | None]:
    """Read an exemplar as :func:`read_exemplar` does, with a report; None for an image whose colours are kept."""
    if keep_colour and path.is_file():
        image = read_image(path, max_pixels)
        if image.is_colour:
            for note in exemplar_notes(image.reading):
                logger.warning("exemplar %s: %s", path, note)
            return image.rgb(), None
    read = open_exemplar(path, asked_range, max_pixels)
    gray = without_invalid(read.intensity, read.valid, crop=crop)[None]
    return (np.repeat(gray, 3, axis=0) if keep_colour else gray), read.report
