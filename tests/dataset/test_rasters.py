"""GeoTIFFs in labelled sets keep georeferencing, bit depth and labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer.cli import main
from ir_transfer.imaging.header import read_header
from tests.labels.sets import text

SIZE = (48, 64)
PLACE = from_origin(500_000, 5_400_000, 0.5, 0.5)


def geotiff(path: Path, bands: int = 5, dtype: str = "uint16") -> None:
    """Write a GeoTIFF with noise in the first band, an object in the last, and invalid pixels on the left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    levels = random.integers(900, 1100, (bands, *SIZE)).astype(dtype)
    levels[-1] = 1000
    levels[-1, 20:40, 30:50] = 3000
    levels[:, :, :4] = 0
    profile = {"driver": "GTiff", "count": bands, "height": SIZE[0], "width": SIZE[1], "dtype": dtype}
    with rasterio.open(path, "w", **profile, crs="EPSG:32632", transform=PLACE, nodata=0) as file:
        file.write(levels)


@pytest.fixture
def aerial(tmp_path: Path) -> Path:
    geotiff(tmp_path / "in/images/a.tif")
    content = {
        "images": [{"id": 1, "file_name": "a.tif", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": 1, "name": "house"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 20, 20, 20]}],
    }
    text(tmp_path / "in/labels.json", json.dumps(content))
    return tmp_path / "in"


def generate(source: Path, exemplar: Path, out: Path, *more: str) -> int:
    return main(["dataset", str(source), "--style", str(exemplar), "--model", "adain", "-o", str(out), *more])


def test_georeferencing_bit_depth_bands_and_levels_are_kept(aerial: Path, exemplar: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = ("--bands", "5", "--levels", "1000,3000", "--variants", "2", "--strength", "0.1..0.5", "--overviews")
    assert generate(aerial, exemplar, out, *more) == 0
    names = [image["file_name"] for image in json.loads((out / "labels.json").read_text())["images"]]
    assert names == ["a.tif", "a__v1.tif"]
    lines = list(map(json.loads, (out / "manifest.jsonl").read_text().splitlines()[1:]))
    for name, line in zip(names, lines, strict=True):
        with rasterio.open(out / "images" / name) as made:
            assert (made.crs.to_epsg(), made.transform, made.dtypes) == (32632, PLACE, ("uint16",))
            assert made.nodata == 0
            levels = made.read(1)
        assert not levels[:, :4].any()
        assert abs(levels[22:38, 32:48].mean() - levels[4:-4, 8:24].mean()) > 1500  # the other bands are noise
        assert line["raster"]["bands"] == [5]
        assert line["raster"]["levels"] == [1000, 3000]
        assert line["output"] == f"images/{name}"
    first, second = ((out / "images" / name).read_bytes() for name in names)
    assert first != second or lines[0]["variant"]["strength"] == lines[1]["variant"]["strength"]
    assert main(["dataset", "verify", str(out)]) == 0
    assert generate(aerial, exemplar, out, *more, "--resume") == 0


@pytest.mark.parametrize("more", [("--include-gray",), ("--assign", "nearest")])
def test_options_that_need_the_whole_image_are_rejected_by_name(
    aerial: Path, exemplar: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    assert generate(aerial, exemplar, tmp_path / "out", *more) == 1
    assert f"expected no {' '.join(more)} for a raster" in (tmp_path / "out/manifest.jsonl").read_text()


def test_leading_thumbnail_does_not_give_the_image_size(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole, small = Image.new("RGB", (64, 48)), Image.new("RGB", (16, 12))
    small.save(path, save_all=True, append_images=[whole])
    assert read_header(path).stored == (48, 64)
