"""TIFF options and other file formats in labelled sets with the model ``gray``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from ir_transfer.cli import main
from tests.imaging.pixels.kinds import STREET, saved, tiff
from tests.imaging.pixels.test_pages import pages

LUMA = STREET @ np.array([0.299, 0.587, 0.114])
LARGER = np.pad(STREET[::-1], ((0, 4), (0, 8), (0, 0)), mode="edge")
BOX = [30, 4, 28, 12]


def generate(source: Path, exemplar: Path, out: Path, *more: str) -> int:
    return main(["dataset", str(source), "--style", str(exemplar), "--model", "gray", "-o", str(out), *more])


def lines(out: Path) -> dict[str, dict[str, Any]]:
    entries = map(json.loads, (out / "manifest.jsonl").read_text().splitlines()[1:])
    return {Path(entry["input"]).name: entry for entry in entries}


def labelled(root: Path, name: str, height: int, width: int) -> None:
    """Write a COCO file with one box that fits only an image of this size."""
    content = {
        "images": [{"id": 1, "file_name": name, "height": height, "width": width}],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": BOX}],
    }
    (root / "labels.json").write_text(json.dumps(content))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    (root / "images").mkdir(parents=True)
    return root


def test_requested_page_is_converted_and_verified(
    source: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "images/scan.tif").write_bytes(pages(STREET, LARGER))
    labelled(source, "scan.tif", *LARGER.shape[:2])
    out = tmp_path / "out"
    assert generate(source, exemplar, out, "--page", "2") == 0
    with Image.open(out / "images/scan.png") as image:
        found = np.asarray(image).astype(float)
    assert np.abs(found - LARGER @ np.array([0.299, 0.587, 0.114])).max() < 1
    assert lines(out)["scan.tif"]["reading"] == {"directory": 1, "page": 2, "pages": 2}
    capsys.readouterr()
    assert main(["dataset", "verify", str(out)]) == 0, capsys.readouterr().out
    assert generate(source, exemplar, tmp_path / "first") == 0
    assert "expected the size of its image, 52 x 36, got 60 x 40: labels may not fit" in capsys.readouterr().err


def test_page_all_is_rejected(source: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "images/scan.tif").write_bytes(pages(STREET, STREET))
    assert generate(source, exemplar, tmp_path / "out", "--page", "all") == 2
    assert "expected --page N, got all" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nodata_applies_to_tiffs_and_is_rejected_for_other_formats(
    source: Path, exemplar: Path, tmp_path: Path
) -> None:
    image = STREET.copy()
    image[:, :10] = 0
    (source / "images/a.tif").write_bytes(tiff(image))
    (source / "images/b.jpg").write_bytes(saved(STREET, "JPEG"))
    out = tmp_path / "out"
    assert generate(source, exemplar, out, "--nodata", "0") == 1
    assert lines(out)["a.tif"]["raster"]["nodata"] is not None
    with rasterio.open(out / "images/a.tif") as file:
        assert file.nodata == lines(out)["a.tif"]["raster"]["nodata"]
        invalid = file.read(1) == file.nodata
    assert invalid[:, :10].all()
    assert not invalid[:, 10:].any()
    assert "expected a TIFF for --nodata, got JPEG" in lines(out)["b.jpg"]["error"]


def test_unsupported_images_are_counted_and_not_copied(
    source: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "images/a.png").write_bytes(saved(STREET, "PNG"))
    for name in ("b.gif", "c.gif", "d.psd", "notes.md"):
        (source / "images" / name).write_text("x")
    assert generate(source, exemplar, tmp_path / "out") == 0
    assert "(see README.md); ignored 3 files: 2 .gif, 1 .psd" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out/images").iterdir()} == {"a.png", "notes.md"}
    assert generate(source, exemplar, tmp_path / "plan", "--dry-run") == 0
    assert "; ignored 3 files: 2 .gif, 1 .psd" in capsys.readouterr().out
