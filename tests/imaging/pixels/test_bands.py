from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from ir_transfer.imaging.image_io import read_image
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.raster.rasters import PLACED, numbers, write

UNDEFINED = ColorInterp.undefined


def described(path: Path, names: list[str], colors: list[ColorInterp] | None = None) -> Path:
    write(path, numbers(len(names), 20, 30), photometric="minisblack", **PLACED)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = colors or [UNDEFINED] * len(names)
        dataset.descriptions = names
    return path


@pytest.mark.parametrize(
    ("names", "bands", "guessed"),
    [
        (["blue", "green", "red", "nir"], (3, 2, 1), False),
        (["Band 1: Blue", "Band 2: Green", "Band 3: Red", "Near-Infrared"], (3, 2, 1), False),
        (["NIR", "Red", "Green", "Blue"], (2, 3, 4), False),
        (["B2", "B3", "B4", "B8"], (3, 2, 1), False),
        (["B08", "B04", "B03", "B02"], (2, 3, 4), False),
        (["SR_B4, x", "", "", ""], (1, 2, 3), True),
        (["red_edge", "nir", "red", "green", "blue"], (3, 4, 5), False),
        (["", "", "", "", ""], (1, 2, 3), True),
        (["nir", "a", "b", "c"], (2, 3, 4), True),
        (["nir", "swir"], (1,), True),
        (["SR_B2", "SR_B3", "SR_B4", "SR_B5"], (3, 2, 1), False),
        (["B1", "B2", "B3", "B4", "B5", "B7"], (4, 3, 2), True),  # of Landsat 7 or 8
        (["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5"], (4, 3, 2), True),
        (["B1", "B2", "B3", "B4", "B8"], (4, 3, 2), False),
        (["Band 1", "Band 2", "Band 3", "Band 4"], (1, 2, 3), True),
        (["Band 1", "Band_2", "Band 3", "Band 04"], (1, 2, 3), True),
        (["Band 4", "Band 3", "Band 2"], (1, 2, 3), False),
    ],
)
def test_rgb_bands_are_chosen_by_band_name(
    tmp_path: Path, names: list[str], bands: tuple[int, ...], guessed: bool
) -> None:
    path = described(tmp_path / "a.tif", names)
    with Raster(str(path)) as raster:
        assert raster.bands == bands
        assert any("--bands" in note for note in raster.reading.notes) is guessed
        assert raster.reading.facts.get("bands", list(bands)) == list(bands)
        if any(names):
            assert raster.reading.facts["names"] == [names[band - 1] for band in bands]
    given = numbers(len(names), 20, 30)[[band - 1 for band in bands]]
    np.testing.assert_array_equal(read_image(path).levels, given)


def test_rgb_bands_are_chosen_by_colour_interpretation(tmp_path: Path) -> None:
    colours = [ColorInterp.nir, ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    with Raster(str(described(tmp_path / "a.tif", [""] * 4, colours))) as raster:
        assert raster.bands == (2, 3, 4)
        assert raster.reading.notes == []


def test_band_names_take_precedence_over_colour_interpretation(tmp_path: Path) -> None:
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, UNDEFINED]
    with Raster(str(described(tmp_path / "a.tif", ["blue", "green", "red", "nir"], colours))) as raster:
        assert raster.bands == (3, 2, 1)


ALPHA = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]


@pytest.mark.parametrize(
    ("names", "bands"),
    [
        (["B2", "B3", "B4", "B8"], (3, 2, 1)),
        (["red", "green", "blue", "nir"], (1, 2, 3)),
        (["", "", "", "thermal"], (1, 2, 3)),
    ],
)
def test_named_band_tagged_as_alpha_is_data(tmp_path: Path, names: list[str], bands: tuple[int, ...]) -> None:
    path = described(tmp_path / "a.tif", names, ALPHA)
    given = numbers(4, 20, 30)[[band - 1 for band in bands]]
    with Raster(str(path)) as raster:
        assert raster.bands == bands
        levels, valid = raster.read(0, 0, 20, 30)
        assert valid is None
        np.testing.assert_allclose(levels * 255, given, atol=1e-3)
    image = read_image(path)
    assert image.alpha is None
    np.testing.assert_array_equal(image.levels, given)


@pytest.mark.parametrize("name", ["", "Alpha", "dataMask", "Band 4"])
def test_alpha_band_is_kept_and_soft_alpha_reported(tmp_path: Path, name: str) -> None:
    path = described(tmp_path / "a.tif", ["", "", "", name], ALPHA)
    with Raster(str(path)) as raster:
        assert raster.image.alpha_band == 4
        assert any("band 4 is tagged as alpha and" in note for note in raster.reading.notes)
    with rasterio.open(path, "r+") as dataset:
        dataset.write(np.where(np.arange(30) < 9, 0, 255).astype(np.uint8) * np.ones((20, 1), np.uint8), 4)
    with Raster(str(path)) as raster:
        assert raster.reading.notes == []
