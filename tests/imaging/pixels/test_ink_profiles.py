from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.imaging.image_io import decode_image
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import ink_profile, tiff

INKS = np.zeros((20, 40, 4), np.uint8)
INKS[:, 10:20, 0] = 255
INKS[:, 20:30, 3] = 255
INKS[:, 30:, 1:3] = 255
EXPECTED = ((5, (255, 255, 255)), (15, (0, 255, 255)), (25, (128, 128, 128)), (35, (255, 0, 0)))


@pytest.mark.parametrize("kind", ["TIFF", "16 bit TIFF", "JPEG"])
def test_cmyk_is_converted_with_its_profile(kind: str) -> None:
    if kind == "JPEG":
        file = io.BytesIO()
        image = Image.fromarray(INKS, "CMYK")
        image.save(file, "JPEG", quality=100, icc_profile=ink_profile())
        data = file.getvalue()
    else:
        numbers = INKS if kind == "TIFF" else INKS.astype(np.uint16) * np.uint16(257)
        data = tiff(numbers, photometric="separated", profile=ink_profile())
    decoded = decode_image(data, "x")
    assert "profile" in decoded.reading.facts, decoded.reading.notes
    levels = decoded.levels / decoded.white * 255
    for column, colour in EXPECTED:
        assert np.abs(levels[:, 10, column] - colour).max() < (12 if kind == "JPEG" else 9), column


def test_lut_profiles_are_applied_at_8_bits_and_reported(tmp_path: Path) -> None:
    wide = tiff(INKS.astype(np.uint16) * np.uint16(257), photometric="separated", profile=ink_profile())
    said = "its colour profile uses lookup tables: colours are converted at 8 of 16 bits"
    assert said in decode_image(wide, "x").reading.notes
    path = tmp_path / "a.tif"
    path.write_bytes(wide)
    with Raster(str(path)) as raster:
        assert said in raster.reading.notes
    narrow = tiff(INKS, photometric="separated", profile=ink_profile())
    assert decode_image(narrow, "x").reading.notes == []
