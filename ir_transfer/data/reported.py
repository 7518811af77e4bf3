"""Reads the images of data sets, and reports ignored metadata and assumptions, as a conversion does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.imaging.image_io import DecodedImage, narrow_levels, read_image
from ir_transfer.imaging.pixels.pages import notes_without_options
from ir_transfer.imaging.read_warnings import warn_once

if TYPE_CHECKING:
    from ir_transfer.data.cards import Layout


def read_reported(path: Path, layout: Layout | None = None) -> DecodedImage:
    """Read an image file of a data set, and warn of ignored metadata and assumptions, once per folder.

    Raises:
        MissingFileError: No such file.
        DecodeError: The file is not an image, or damaged.
    """
    image = read_image(path)
    report(image, path, layout)
    return image


def report(image: DecodedImage, path: Path, layout: Layout | None = None) -> None:
    """Warn of ignored metadata and assumptions of an image, once per folder.

    Args:
        image: As read, before its levels are scaled by a layout.
        path: The file.
        layout: Its layout, which may name the white level.
    """
    notes = notes_without_options(image.reading.notes)
    if (layout is None or layout.white is None) and (span := narrow_levels(image)) is not None:
        notes.append(
            f"its levels are in {span[0]} to {span[1]} of 16 bits, so that it is dark: stretch the levels of the "
            f"files, or write 'white: {span[1]}' into the layout of the data set's card"
        )
    warn_once(notes, path, "not named")
