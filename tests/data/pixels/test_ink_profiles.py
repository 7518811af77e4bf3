from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ir_transfer.data.image_io import decode_picture
from tests.data.pixels.kinds import ink_profile, tiff

INKS = np.zeros((20, 40, 4), np.uint8)
INKS[:, 10:20, 0] = 255
INKS[:, 20:30, 3] = 255
INKS[:, 30:, 1:3] = 255
EXPECTED = ((5, (255, 255, 255)), (15, (0, 255, 255)), (25, (128, 128, 128)), (35, (255, 0, 0)))


@pytest.mark.parametrize("kind", ["TIFF", "16 bit TIFF", "JPEG"])
def test_inks_are_shown_as_their_profile_says(kind: str) -> None:
    if kind == "JPEG":
        file = io.BytesIO()
        image = Image.fromarray(INKS, "CMYK")
        image.save(file, "JPEG", quality=100, icc_profile=ink_profile())
        data = file.getvalue()
    else:
        numbers = INKS if kind == "TIFF" else INKS.astype(np.uint16) * np.uint16(257)
        data = tiff(numbers, photometric="separated", profile=ink_profile())
    picture = decode_picture(data, "x")
    assert "profile" in picture.reading.facts, picture.reading.notes
    levels = picture.levels / picture.white * 255
    for column, colour in EXPECTED:
        assert np.abs(levels[:, 10, column] - colour).max() < (12 if kind == "JPEG" else 9), column
