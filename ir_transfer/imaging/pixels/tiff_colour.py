"""Colour space that a page of a TIFF file declares."""

import numpy as np

from ir_transfer.imaging.pixels import tiff_tags
from ir_transfer.imaging.pixels.colour import Declared, from_exif, from_profile, uncalibrated
from ir_transfer.imaging.pixels.curves import CLOSE_PRIMARIES, SRGB
from ir_transfer.imaging.pixels.pages import Page


def declared_by(page: Page, profile: bytes, bands: int) -> Declared:
    """Return the colour space of a page by its profile, or else by its EXIF; other tags of colours are noted."""
    if profile:
        return from_profile(profile, bands)
    if bands == 3 and (page.is_adobe_rgb or page.is_uncalibrated):
        return from_exif(page.is_adobe_rgb) if page.is_adobe_rgb else uncalibrated()
    tags = page.directory
    stated = tags.fractions(tiff_tags.PRIMARIES)
    differ = len(stated) == 6 and not np.allclose(stated, np.ravel(SRGB[1:]), atol=CLOSE_PRIMARIES)
    if differ or tags.data(tiff_tags.TRANSFER_FUNCTION):
        return Declared(note="its tags of primaries and transfer function are not applied: treated as sRGB")
    return Declared()
