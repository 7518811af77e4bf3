from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer import create_model
from ir_transfer.cli import main
from ir_transfer.conversion.tiles import memory
from ir_transfer.models import thermal
from tests.conftest import photograph
from tests.models.small_thermal import SMALL_THERMAL


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small AdaIN with random weights."""
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    create_model("adain", weights=None, **SMALL_THERMAL).save(path)
    return path


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    """A 16-bit GeoTIFF of four bands with georeferencing, compression and a nodata corner."""
    path = tmp_path / "maps" / "field.tif"
    path.parent.mkdir()
    levels = np.moveaxis(photograph(150, 170, 5), -1, 0).astype(np.uint16) * 40 + 1
    levels = np.concatenate([levels, levels[:1] // 2 + 1])
    levels[:, :20, :30] = 0
    profile: dict[str, Any] = {"driver": "GTiff", "width": 170, "height": 150, "count": 4, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32633", "transform": from_origin(4e5, 5e6, 0.5, 0.5), "nodata": 0, "compress": "lzw"}
    with rasterio.open(path, "w", tiled=True, blockxsize=64, blockysize=64, **profile) as file:
        file.write(levels)
    return path


def manifest(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_tiled_conversion_equals_whole_image_conversion(
    weights: Path, exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    Image.fromarray(photograph(203, 301, 2)).save(tmp_path / "photos/large.png")
    Image.fromarray(photograph(40, 50, 2)).save(tmp_path / "photos/small.png")
    command = ["convert", str(tmp_path / "photos"), "--style", str(exemplar), "--weights", str(weights), "-q"]
    assert main([*command, "-o", str(tmp_path / "whole")]) == 0
    assert main([*command, "-o", str(tmp_path / "tiles"), "--tile-size", "64"]) == 0
    whole, tiles = (np.asarray(Image.open(tmp_path / name / "large.png")).astype(int) for name in ("whole", "tiles"))
    assert whole.std() > 1
    assert np.abs(whole - tiles).max() <= 1
    assert (tmp_path / "whole/small.png").read_bytes() == (tmp_path / "tiles/small.png").read_bytes()
    # The figures stand for a machine that is smaller than this one.
    monkeypatch.setattr(memory, "_PROCESS", 0)
    monkeypatch.setattr(thermal, "_OVERVIEW_BYTES", 0)
    assert main([*command, "-o", str(tmp_path / "scarce"), "--memory", "3MB"]) == 0
    scarce = np.asarray(Image.open(tmp_path / "scarce/large.png")).astype(int)
    assert np.abs(whole - scarce).max() <= 1


def test_raster_keeps_georeferencing_and_nodata(weights: Path, exemplar: Path, raster: Path, tmp_path: Path) -> None:
    out = tmp_path / "ir"
    command = ["convert", str(raster.parent), "--style", str(exemplar), "--weights", str(weights), "-o", str(out), "-q"]
    assert main([*command, "--bands", "4,3,2", "--levels", "0,10000", "--tile-size", "64"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["field.tif", "manifest.jsonl"]
    with rasterio.open(raster) as before, rasterio.open(out / "field.tif") as after:
        assert (after.count, after.width, after.height, after.dtypes) == (1, 170, 150, ("uint16",))
        assert (after.crs, after.transform, after.block_shapes) == (before.crs, before.transform, [(64, 64)])
        assert after.profile["compress"] == "lzw"
        valid = after.read_masks(1) > 0
        assert not valid[:20, :30].any()
        assert valid[20:].all()
    header, *entries = manifest(out)
    assert header["look"]["raster"] == {"bands": [4, 3, 2], "levels": [0.0, 10000.0]}
    told = {entry["output"]: entry for entry in entries}
    how = {"bands": [4, 3, 2], "levels": [0.0, 10000.0], "bit_depth": 16, "tile": 64, "nodata": 0}
    assert told["field.tif"]["raster"] == how
    made = (out / "field.tif").stat().st_mtime_ns
    again = ["--bands", "4,3,2", "--levels", "0,10000", "--tile-size", "64", "--resume"]
    assert main([*command, *again]) == 0
    assert (out / "field.tif").stat().st_mtime_ns == made
    (out / "field.tif").write_bytes(b"damaged")
    assert main([*command, *again]) == 0
    with rasterio.open(out / "field.tif") as after:
        assert after.count == 1


def test_converts_a_raster_in_an_archive(weights: Path, exemplar: Path, raster: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "maps.zip", "w") as archive:
        archive.write(raster, "field.tif")
    out = tmp_path / "ir"
    path = f"/vsizip/{tmp_path}/maps.zip/field.tif"
    assert main(["convert", path, "--style", str(exemplar), "--weights", str(weights), "-o", str(out), "-q"]) == 0
    with rasterio.open(out / "field.tif") as after:
        assert (after.width, after.height, after.crs.to_epsg()) == (170, 150, 32633)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bands", "4,3"], "one or three bands"),
        (["--bands", "0"], "counted from 1"),
        (["--levels", "low,high"], "0,10000, or percentile"),
        (["--levels", "5,5"], "LO < HI"),
        (["--memory", "much"], "2GB or 800MB"),
        (["--tile-size", "8"], "64"),
    ],
)
def test_option_errors_are_reported_before_the_run(
    raster: Path, exemplar: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["convert", str(raster), "--style", str(exemplar), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bands", "7,3,2"], "7"),
        (["--sensor", "boson-640"], "no --sensor or --agc for a raster"),
        (["--model", "histogram"], "use adain or wct2"),
    ],
)
def test_untranslatable_raster_fails_without_affecting_other_inputs(
    raster: Path, weights: Path, exemplar: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    Image.fromarray(photograph(40, 50, 2)).save(raster.parent / "photo.png")
    given = ["--style", str(exemplar), *([] if "--model" in arguments else ["--weights", str(weights)])]
    assert main(["convert", str(raster.parent), *given, *arguments, "-o", str(tmp_path / "ir"), "-q"]) == 1
    told = {entry["output"]: entry for entry in manifest(tmp_path / "ir")[1:]}
    assert told["photo.png"]["status"] == ("failed" if "--bands" in arguments else "converted")
    assert told["field.tif"]["status"] == "failed"
    assert message in told["field.tif"]["error"]
    assert "field.tif" in told["field.tif"]["error"]
