from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.shutil import copy

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.raster.rasters import PLACED, numbers, write

RED, GREEN, BLUE, ALPHA, GRAY = (getattr(ColorInterp, name) for name in ("red", "green", "blue", "alpha", "gray"))


def whole(raster: Raster) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    return raster.read(0, 0, raster.height, raster.width)


@pytest.mark.parametrize(
    ("colors", "bands"),
    [
        ([BLUE, GREEN, RED, GRAY], (3, 2, 1)),
        ([RED, GREEN, BLUE, ALPHA], (1, 2, 3)),
        ([GRAY, ColorInterp.undefined, ColorInterp.undefined, ColorInterp.undefined], (1, 2, 3)),
        ([GRAY, ALPHA], (1,)),
        ([GRAY], (1,)),
    ],
)
def test_bands_are_chosen_by_file_metadata(tmp_path: Path, colors: list[Any], bands: tuple[int]) -> None:
    given = np.maximum(numbers(len(colors), 20, 30), 1)
    if ALPHA in colors:
        given[-1] = 255
    with Raster(str(write(tmp_path / "a.tif", given, colors=colors))) as raster:
        assert raster.bands == bands
        unit, valid = whole(raster)
        assert valid is None
        expected = given[[band - 1 for band in bands]].astype(np.float32) / 255
        np.testing.assert_allclose(unit, np.broadcast_to(expected, (3, 20, 30)), atol=1e-7)


def test_bands_can_be_chosen_by_number(tmp_path: Path) -> None:
    given = numbers(4, 20, 30)
    path = str(write(tmp_path / "a.tif", given))
    with Raster(path, (4, 3, 2)) as raster:
        np.testing.assert_allclose(raster.read(3, 5, 9, 11)[0], given[[3, 2, 1], 3:9, 5:11] / np.float32(255))
    for bands in ((5, 1, 2), (0,), (1, 2), ()):
        with pytest.raises(InputError, match="one or three bands of 1 to 4"):
            Raster(path, bands)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_range_applies_to_the_whole_raster(tmp_path: Path, dtype: str) -> None:
    given = numbers(3, 40, 50, dtype)
    given[:, :20] //= 2
    path = str(write(tmp_path / "a.tif", given, **PLACED))
    with Raster(path, levels=(1000, 9000)) as raster:
        np.testing.assert_allclose(whole(raster)[0], np.clip((given - 1000.0) / 8000, 0, 1), atol=1e-6)
    with Raster(path) as raster:
        assert (raster.levels.lo, raster.levels.hi) == pytest.approx(np.percentile(given, (2, 98)), rel=1e-6)
        unit = whole(raster)[0]
        parts = [raster.read(y, 0, y + 8, 50)[0] for y in range(0, 40, 8)]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), unit)
    with pytest.raises(InputError, match="expected levels LO < HI, got 5 and 5"):
        Raster(path, levels=(5, 5))


def test_constant_raster_is_rejected_for_percentiles(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.tif", np.full((1, 20, 20), 7, "uint16"), **PLACED))
    with pytest.raises(InputError, match="got 7 everywhere: set the range with --levels"):
        Raster(path)


def test_dark_value_in_one_band_is_not_nodata(tmp_path: Path) -> None:
    given = np.maximum(numbers(3, 20, 20), 1)
    given[0, 2, 2] = 0
    given[:, 5, 5] = 0
    with Raster(str(write(tmp_path / "a.tif", given, nodata=0))) as raster:
        unit, valid = whole(raster)
        assert valid is not None
        assert np.argwhere(~valid).tolist() == [[5, 5]]
        np.testing.assert_allclose(unit[:, 5, 5], given[:, valid].mean(1) / 255, atol=1e-6)
        assert raster.read(10, 10, 20, 20)[1] is None


@pytest.mark.parametrize("nodata", [-9999.0, float("nan")])
def test_nodata_in_one_band_outside_the_levels_makes_a_pixel_invalid(tmp_path: Path, nodata: float) -> None:
    given = numbers(3, 20, 20, "float32")
    given[1, 3, 4] = nodata
    given[:, 7, 8] = nodata
    given[2, 9, 9] = np.inf
    for levels in ((0.0, 10_000.0), "percentile"):
        with Raster(str(write(tmp_path / "a.tif", given, nodata=nodata)), levels=levels) as raster:
            unit, valid = whole(raster)
            assert valid is not None
            assert np.argwhere(~valid).tolist() == [[3, 4], [7, 8], [9, 9]]
            assert np.isfinite(unit).all()
            assert raster.levels.lo >= 0


def test_nan_is_invalid_without_declared_nodata(tmp_path: Path) -> None:
    given = numbers(1, 20, 20, "float32")
    given[0, 3, 4] = np.nan
    with Raster(str(write(tmp_path / "a.tif", given, **PLACED))) as raster:
        valid = whole(raster)[1]
        assert valid is not None
        assert np.argwhere(~valid).tolist() == [[3, 4]]


@pytest.mark.parametrize("kind", ["mask", "alpha"])
def test_masks_and_alpha(tmp_path: Path, kind: str) -> None:
    shown = np.ones((20, 30), np.bool_)
    shown[4:7] = False
    if kind == "mask":
        path = write(tmp_path / "a.tif", numbers(3, 20, 30), mask=shown)
    else:
        bands = np.concatenate([numbers(3, 20, 30), shown[None].astype("uint8") * 255])
        path = write(tmp_path / "a.tif", bands, colors=[RED, GREEN, BLUE, ALPHA])
    with Raster(str(path)) as raster:
        valid = raster.read(2, 3, 12, 20)[1]
        assert valid is not None
        np.testing.assert_array_equal(valid, shown[2:12, 3:20])


def test_gdal_virtual_paths_are_read(tmp_path: Path) -> None:
    given = numbers(3, 20, 30)
    path = write(tmp_path / "a b ü.tif", given)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "in.tif")
    copy(str(path), str(tmp_path / "a.vrt"), driver="VRT")
    for text in (str(path), f"/vsizip/{tmp_path}/a.zip/in.tif", f"zip://{tmp_path}/a.zip!in.tif", f"{tmp_path}/a.vrt"):
        with Raster(text) as raster:
            np.testing.assert_allclose(whole(raster)[0], given / np.float32(255))


def test_files_without_intensity_bands_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="expected a raster, found none"):
        Raster(str(tmp_path / "none.tif"))
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(DecodeError, match="expected a raster that GDAL reads"):
        Raster(str(tmp_path / "text.tif"))
    with pytest.raises(DecodeError, match="a file in an archive or on the network"):
        Raster("/vsizip/none.zip/a.tif")
    path = write(tmp_path / "complex.tif", numbers(1, 20, 20).astype("complex64"))
    with pytest.raises(InputError, match="real numbers, got complex64"):
        Raster(str(path))


def test_truncated_file_names_the_unreadable_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 300, 300), tiled=True, blockxsize=64, blockysize=64)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with Raster(str(path)) as raster:
        raster.read(0, 0, 64, 64)
        with pytest.raises(
            DecodeError, match=r"a\.tif: expected whole blocks at rows 250 to 300, .* download it again"
        ):
            raster.read(250, 200, 300, 300)
