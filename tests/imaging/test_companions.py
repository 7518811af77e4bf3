from __future__ import annotations

import os
from pathlib import Path

import pytest
from rasterio.shutil import copy

from ir_transfer.imaging.companions import hash_image_companions, hash_raster
from tests.imaging.pixels.kinds import STREET, tiff


@pytest.fixture
def raster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TIFF in a folder beside the working directory."""
    for name in ("rasters", "elsewhere"):
        (tmp_path / name).mkdir()
    path = tmp_path / "rasters" / "a.tif"
    path.write_bytes(tiff(STREET))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return path


def test_a_file_is_not_its_own_companion(raster: Path) -> None:
    contents, companions = hash_raster(str(raster))
    assert companions is None
    assert hash_raster(os.path.relpath(raster)) == (contents, None)


@pytest.mark.parametrize("ending", [".tfw", ".tif.aux.xml", ".tif.ovr"])
def test_sidecars_have_one_hash_for_relative_and_absolute_paths(raster: Path, ending: str) -> None:
    sidecar = raster.with_name(f"a{ending}")
    sidecar.write_text("1.0\n0.0\n0.0\n-1.0\n0.5\n0.5\n" if ending == ".tfw" else "<PAMDataset></PAMDataset>")
    first = hash_image_companions(raster)
    assert first is not None
    assert hash_image_companions(Path(os.path.relpath(raster))) == first
    sidecar.write_text("2.0\n0.0\n0.0\n-2.0\n0.5\n0.5\n")
    assert hash_image_companions(raster) != first


def test_tiles_of_a_virtual_raster_are_companions(raster: Path) -> None:
    virtual = raster.with_suffix(".vrt")
    copy(str(raster), str(virtual), driver="VRT")
    found = hash_raster(str(virtual))
    assert found[1] is not None
    assert hash_raster(os.path.relpath(virtual)) == found
    raster.write_bytes(tiff(255 - STREET))
    assert hash_raster(str(virtual))[1] != found[1]
