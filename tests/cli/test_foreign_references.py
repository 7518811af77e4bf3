"""Images whose contents refer to other files: each fails, and no other file is read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer import create_model
from ir_transfer.cli import main
from tests.conftest import photograph
from tests.imaging.raster.rasters import numbers, write
from tests.imaging.raster.test_references import VRT, WMS
from tests.models.small_thermal import SMALL_THERMAL

PLACED = {"crs": "EPSG:32633", "transform": from_origin(4e5, 5e6, 0.5, 0.5)}


def test_images_that_reference_other_files_fail_individually(
    exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    create_model("adain", weights=None, **SMALL_THERMAL).save(tmp_path / "small.safetensors")
    folder = tmp_path / "photos"
    folder.mkdir()
    secret = write(tmp_path / "secret.tif", numbers(3, 48, 64), **PLACED)
    Image.fromarray(photograph(48, 64)).save(folder / "good.png")
    write(folder / "good_raster.tif", numbers(3, 48, 64), **PLACED)
    (folder / "vrt.tif").write_text(VRT.format(name=secret, relative=0))
    (folder / "vrt.png").write_text(VRT.format(name=secret, relative=0))
    (folder / "wms.tif").write_text(WMS.format(url="http://127.0.0.1:9"))
    (folder / "network.vrt").write_text(VRT.format(name="/vsicurl/http://127.0.0.1:9/a.tif", relative=0))
    with rasterio.open(write(folder / "named.tif", numbers(3, 48, 64), **PLACED), "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(secret))
    write(folder / "sidecar.tif", numbers(3, 48, 64), **PLACED)
    (folder / "sidecar.tif.msk").write_text(VRT.format(name=secret, relative=0))
    weights = ["--model", "adain", "--weights", str(tmp_path / "small.safetensors")]
    out = tmp_path / "out"
    command = ["convert", str(folder), "--style", str(exemplar), *weights, "--threads", "1", "-o", str(out)]
    assert main(command) == 1
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    names = {Path(line["input"]).name: line["status"] for line in lines}
    assert {name for name, status in names.items() if status == "converted"} == {"good.png", "good_raster.tif"}
    refused = {"vrt.tif", "vrt.png", "wms.tif", "network.vrt", "named.tif", "sidecar.tif"}
    assert {name for name, status in names.items() if status == "failed"} == refused
    assert all(Path(line["input"]).name in line["error"] for line in lines if line["status"] == "failed")
    assert "Traceback" not in capsys.readouterr().err
    assert np.asarray(Image.open(out / "good.png")).shape == (48, 64)
