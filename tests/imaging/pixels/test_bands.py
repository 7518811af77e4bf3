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
    ],
)
def test_names_say_which_bands_are_red_green_and_blue(
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


def test_interpretations_say_it_too(tmp_path: Path) -> None:
    colours = [ColorInterp.nir, ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    with Raster(str(described(tmp_path / "a.tif", [""] * 4, colours))) as raster:
        assert raster.bands == (2, 3, 4)
        assert raster.reading.notes == []


def test_names_are_better_than_the_interpretation_that_a_writer_makes_up(tmp_path: Path) -> None:
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, UNDEFINED]
    with Raster(str(described(tmp_path / "a.tif", ["blue", "green", "red", "nir"], colours))) as raster:
        assert raster.bands == (3, 2, 1)
