from __future__ import annotations

import os
from pathlib import Path

import pytest

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.image_io import read_image
from ir_transfer.imaging.raster.gdal import open_raster
from ir_transfer.imaging.raster.kind import is_raster
from tests.imaging.pixels.kinds import STREET, tiff


def test_name_unsupported_by_gdal_is_an_error_of_that_file(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"Stra\xdfe.tif")
    path.write_bytes(tiff(STREET))
    assert not is_raster(str(path), 36 * 52)
    assert is_raster(str(path), 36 * 52 - 1)
    assert is_raster(str(path), 36 * 52, by_windows=True)
    assert read_image(path).levels.shape == (3, 36, 52)
    with pytest.raises(DecodeError, match="with a UTF-8 name"):
        open_raster(str(path))
