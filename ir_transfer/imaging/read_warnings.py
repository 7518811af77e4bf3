"""Warnings about reading images, one per folder and kind, since thousands of images may cause the same."""

import logging
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ir_transfer.imaging.decoded_image import DecodedImage, narrow_levels
from ir_transfer.imaging.image_names import TIFF_SUFFIXES, world_endings

logger = logging.getLogger(__name__)

_NUMBERS = re.compile(r"[\d.,]*\d")
_QUOTED = re.compile(r"file \S+ ")


def warn_once(notes: Iterable[str], source: Path, others: str = "only in the manifest") -> None:
    """Log the notes on a file, unless the same were logged for another file of its folder.

    Args:
        notes: On how the file was read.
        source: The file.
        others: Where those on other files are.
    """
    for note in notes:
        names = _warned(str(source.parent), _QUOTED.sub("", _NUMBERS.sub("", note)))
        if not names:
            names.append(source.name)
            logger.warning("%s: %s; further cases in %s are %s", source.name, note, source.parent, others)


def file_notes(image: DecodedImage, source: Path, *, stretched: bool) -> list[str]:
    """Return the notes on an image and on the files beside it.

    Args:
        image: The decoded file.
        source: The file.
        stretched: Whether the user names the values for black and white.
    """
    notes = list(image.reading.notes)
    if not stretched and (span := narrow_levels(image)) is not None:
        low, high = span
        notes.append(f"its levels are in {low} to {high} of 16 bits, so that it is dark: pass --levels {low},{high}")
    if (place := world_file(source)) is not None:
        notes.append(f"its world file {place.name} is not kept: convert the image to GeoTIFF to keep its georeference")
    return notes


@lru_cache(maxsize=1024)
def _warned(folder: str, kind: str) -> list[str]:
    """Return the list of files warned of, for a folder and a kind of note."""
    return []


def world_file(source: Path) -> Path | None:
    """Return the world file beside an image that is not a TIFF, if there is one."""
    if source.suffix.lower() in TIFF_SUFFIXES:
        return None
    endings = [form for ending in world_endings(source.suffix.lower()) for form in (ending, ending.upper())]
    paths = (source.with_suffix(ending) for ending in endings)
    # os.path.isfile returns False if the name is too long with another suffix, where Path.is_file raises.
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113
