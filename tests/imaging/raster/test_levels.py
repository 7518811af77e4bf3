from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage, decode_image
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.raster.levels import Asked, percentile_levels
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.raster.rasters import PLACED, write

DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def skewed(dtype: str, height: int = 40, width: int = 60) -> NDArray[Any]:
    """Values (3, H, W) with few large ones, including negative ones if the type is signed."""
    drawn = np.random.default_rng(3).gamma(1.5, 20, (3, height, width))
    drawn = np.minimum(drawn, 255) if dtype == "uint8" else drawn * 70 - (900 if dtype[0] in "if" else 0)
    found: NDArray[Any] = drawn.astype(dtype)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_percentiles_are_computed_over_all_values(dtype: str) -> None:
    given = skewed(dtype)
    found = percentile_levels(lambda: np.split(given, 8, axis=1), given.dtype)
    expected = np.percentile(given.astype(np.float32).astype(np.float64), (2, 98))
    assert (found.lo, found.hi) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_mostly_constant_values_use_their_full_range(dtype: str) -> None:
    given = np.full(1000, 7, dtype)
    given[:5] = [1, 2, 3, 4, 99]
    found = percentile_levels(lambda: [given], given.dtype)
    assert (found.lo, found.hi) == (1, 99)
    with pytest.raises(InputError, match="got 7 everywhere"):
        percentile_levels(lambda: [given[5:]], given.dtype)
    with pytest.raises(InputError, match="expected valid pixels"):
        percentile_levels(lambda: [given[:0]], given.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tiled", [False, True])
def test_georeferencing_does_not_change_levels(tmp_path: Path, dtype: str, tiled: bool) -> None:
    given = skewed(dtype, 140, 1100)  # a decimated read of 1024 pixels would leave numbers out
    given[:, :40] = np.iinfo(dtype).max if dtype[0] in "iu" else 9e9
    nodata = float(given[0, 0, 0])
    blocks: dict[str, Any] = {"tiled": True, "blockxsize": 256, "blockysize": 128} if tiled else {}
    expected = np.percentile(given[:, 40:].astype(np.float32).astype(np.float64), (2, 98))
    images: dict[str, DecodedImage] = {}
    for place in ({}, PLACED):
        path = write(tmp_path / f"{len(place)}.tif", given, nodata=nodata, **blocks, **place)
        images[path.stem] = decode_image(path.read_bytes(), "x", asked="percentile")
        with Raster(str(path), levels="percentile") as raster:
            assert (raster.levels.lo, raster.levels.hi) == pytest.approx(expected, rel=1e-9)
            unit, valid = raster.read(0, 0, 140, 1100)
        image = images[path.stem]
        assert image.reading.facts["levels"] == pytest.approx(expected, rel=1e-9)
        np.testing.assert_array_equal(image.valid, valid)
        assert np.abs(image.rgb() - unit)[:, valid].max() <= 0.51 / image.white if image.white > 1 else 1e-6


def test_value_at_nodata_is_invalid_only_outside_the_levels(tmp_path: Path) -> None:
    given = skewed("float32")
    given[1, 3, 4] = -9999
    path = write(tmp_path / "a.tif", given, nodata=-9999)
    cases: list[tuple[Asked, list[list[int]]]] = [
        ((0.0, 500.0), [[3, 4]]),
        ("percentile", [[3, 4]]),
        ((-10000.0, 500.0), []),
    ]
    for asked, invalid in cases:
        image = decode_image(path.read_bytes(), "x", asked=asked)
        with Raster(str(path), levels=asked) as raster:
            valid = raster.read(0, 0, 40, 60)[1]
        for found in (image.valid, valid):
            assert ([] if found is None else np.argwhere(~found).tolist()) == invalid
    given[1, 3, 4] = 5
    plain = decode_image(write(tmp_path / "b.tif", given).read_bytes(), "x", asked=(0.0, 500.0))
    assert plain.valid is None


def test_8_bit_levels_are_applied_with_a_lookup_table(tmp_path: Path) -> None:
    given = skewed("uint8")
    data = write(tmp_path / "a.tif", given).read_bytes()
    image = decode_image(data, "x", asked=(20.0, 120.0), wanted=Wanted(bands=(1, 2, 3)))
    assert image.levels.dtype == np.uint8
    expected = np.floor(np.clip((given - 20.0) / 100, 0, 1).astype(np.float32).astype(np.float64) * 255 + 0.5)
    np.testing.assert_array_equal(image.levels, expected)
