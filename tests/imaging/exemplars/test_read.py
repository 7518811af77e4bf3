from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.exemplars.read import open_exemplar
from tests.conftest import photograph
from tests.imaging.exemplars.exemplar_files import correlation, in_palette, scene, with_scale_and_text

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def saved(path: Path, levels: NDArray[Any]) -> Path:
    if path.suffix == ".tif":
        tifffile.imwrite(path, levels)
    else:
        Image.fromarray(levels).save(path)
    return path


@pytest.mark.parametrize(
    ("name", "levels", "unit"),
    [
        ("twelve.png", scene().astype(np.uint16) * 16, "counts"),
        ("centikelvin.tif", (29_315 + scene() * 11.8).astype(np.uint16), "centikelvin"),
        ("celsius.tif", (20 + scene() * 0.118).astype(np.float32), "Celsius"),
        ("kelvin.tif", (293.15 + scene() * 0.118).astype(np.float32), "Kelvin"),
        ("signed.tif", (scene().astype(np.int16) * 10 - 300).astype(np.int16), "counts"),
    ],
)
def test_any_value_range_gives_the_8_bit_image(tmp_path: Path, name: str, levels: NDArray[Any], unit: str) -> None:
    read = open_exemplar(saved(tmp_path / name, levels))
    assert read.intensity.std() == pytest.approx((scene() / 255).std(), rel=0.15)
    assert correlation(read.intensity, scene()) > 0.999
    assert read.valid is None
    assert unit in read.report.line
    assert not read.report.is_plain


def test_8_bit_images_are_unchanged(tmp_path: Path) -> None:
    read = open_exemplar(saved(tmp_path / "a.png", scene()))
    np.testing.assert_array_equal(read.intensity, scene() / np.float32(255))
    assert read.report.is_plain


@pytest.mark.parametrize("name", ["iron", "rainbow"])
def test_palette_is_inverted_and_reported(tmp_path: Path, name: str) -> None:
    read = open_exemplar(saved(tmp_path / "a.png", in_palette(scene(), name)))
    assert correlation(read.intensity, scene()) > 0.95
    assert read.report.palette == name
    assert f"palette {name} mapped back" in read.report.line


def test_palette_image_with_scale_bar_and_text(tmp_path: Path) -> None:
    drawn, where = with_scale_and_text(scene())
    rgb = in_palette(drawn, "arctic")
    read = open_exemplar(saved(tmp_path / "a.png", rgb))
    assert read.report.palette == "of its colour bar"
    assert read.valid is not None
    scale = where & (np.arange(128) >= 116)
    assert not read.valid[scale].any()
    kept = read.valid & ~where
    assert correlation(read.intensity[kept], scene()[kept]) > 0.999


def test_gray_image_with_a_colour_bar_is_read_as_gray(tmp_path: Path) -> None:
    rgb = np.stack([scene()] * 3, axis=2)
    rgb[8:88, 116:123] = in_palette(np.linspace(255, 0, 80).astype(np.uint8)[:, None], "iron")
    read = open_exemplar(saved(tmp_path / "a.png", rgb))
    assert read.valid is not None
    assert not read.valid[10:86, 117:122].any()
    np.testing.assert_allclose(read.intensity[read.valid], scene()[read.valid] / 255, atol=0.01)


def test_rgb_image_is_rejected_with_a_hint(tmp_path: Path) -> None:
    noisy = photograph(96, 128) + np.random.default_rng(0).normal(0, 10, (96, 128, 3))
    path = saved(tmp_path / "a.png", np.clip(noisy, 0, 255).astype(np.uint8))
    with pytest.raises(InputError, match=r"a\.png.*no known palette: export the camera's gray image"):
        open_exemplar(path)


def test_overlay_pixels_are_invalid(tmp_path: Path) -> None:
    drawn, where = with_scale_and_text(scene())
    read = open_exemplar(saved(tmp_path / "a.png", drawn))
    assert read.valid is not None
    assert not read.valid[where].mean() > 0.02
    assert {*read.report.left_out} == {"scale", "text"}
    filled = without_invalid(read.intensity, read.valid)
    clean = scene() / np.float32(255)
    assert filled.std() == pytest.approx(clean.std(), rel=0.05)
    assert abs(drawn.std() / 255 - clean.std()) > 2 * abs(filled.std() - clean.std())


def test_transparent_pixels_are_invalid(tmp_path: Path) -> None:
    alpha = np.full(scene().shape, 255, np.uint8)
    alpha[:, :20] = 0
    path = tmp_path / "a.png"
    Image.merge("LA", [Image.fromarray(np.where(alpha, scene(), 0)), Image.fromarray(alpha)]).save(path)
    read = open_exemplar(path)
    assert read.valid is not None
    np.testing.assert_array_equal(read.valid, alpha > 0)
    np.testing.assert_array_equal(without_invalid(read.intensity, read.valid), scene()[:, 20:] / np.float32(255))


def write_raster(path: Path, levels: NDArray[Any], **more: Any) -> None:
    profile = {"driver": "GTiff", "width": 128, "height": 96, "count": 1, "dtype": levels.dtype, **more}
    with rasterio.open(path, "w", **profile) as target:
        target.write(levels, 1)


@pytest.mark.parametrize("kind", ["nodata", "nan", "internal", "sidecar"])
def test_nodata_and_masked_pixels_are_invalid(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    celsius = (20 + scene() * 0.118).astype(np.float32)
    hole = np.zeros(celsius.shape, bool)
    hole[30:50, 40:70] = True
    holed = np.where(hole, np.nan if kind == "nan" else -9999, celsius).astype(np.float32)
    write_raster(path, holed, **({"nodata": -9999} if kind == "nodata" else {}))
    if kind in {"internal", "sidecar"}:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=kind == "internal"), rasterio.open(path, "r+") as target:
            target.write_mask(~hole)
        assert (tmp_path / "a.tif.msk").is_file() == (kind == "sidecar")
    read = open_exemplar(path)
    assert read.valid is not None
    np.testing.assert_array_equal(read.valid, ~hole)
    filled = without_invalid(read.intensity, read.valid)
    assert filled.shape == (96, 128)
    assert filled.std() == pytest.approx((scene() / 255).std(), rel=0.15)


def test_holes_are_filled_from_neighbours_and_borders_cropped() -> None:
    intensity = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))
    valid = np.ones((32, 32), bool)
    valid[:4] = valid[10, 20] = False
    filled = without_invalid(np.where(valid, intensity, 0).astype(np.float32), valid)
    assert filled.shape == (28, 32)
    assert filled[6, 20] == pytest.approx(intensity[10, 20], abs=0.05)
    assert without_invalid(intensity, valid, crop=False).shape == (32, 32)
    assert without_invalid(intensity, None) is intensity


def test_image_with_too_few_valid_pixels_is_rejected(tmp_path: Path) -> None:
    rgba = np.dstack([scene()] * 3 + [np.zeros(scene().shape, np.uint8)])
    rgba[:5, :5, 3] = 255
    with pytest.raises(InputError, match=r"a\.png: expected at least 10% of the pixels"):
        open_exemplar(saved(tmp_path / "a.png", rgba))
