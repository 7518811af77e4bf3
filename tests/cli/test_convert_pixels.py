"""File formats in complete conversions with the model ``gray``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.cli import main
from tests.imaging.pixels.kinds import COLOUR_FILES, COLOUR_TIFFS, GRAY, GRAY_TIFFS, STREET, saved, tiff
from tests.imaging.pixels.test_pages import SECOND, pages, several

LUMA = STREET @ np.array([0.299, 0.587, 0.114])
KINDS = ("16 bit ProPhoto", "orientation 6", "white is zero", "16 bit white is zero", "premultiplied", "plain")


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """An exemplar, which the model ignores."""
    path = tmp_path / "exemplar.png"
    Image.fromarray(GRAY[:20, :20]).save(path)
    return path


def convert(folder: Path, style: Path, out: Path, *more: str) -> int:
    return main(["convert", str(folder), "--style", str(style), "--model", "gray", "-o", str(out), *more])


def lines(out: Path) -> dict[str, dict[str, Any]]:
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    return {Path(entry["input"]).name + str((entry.get("reading") or {}).get("page", "")): entry for entry in entries}


def result(path: Path) -> NDArray[np.float64]:
    with rasterio.open(path) as file:
        levels = file.read(1)
    shown: NDArray[np.float64] = levels.astype(np.float64) / np.iinfo(levels.dtype).max * 255
    return shown


def test_windowed_and_in_memory_reading_give_the_same_result(tmp_path: Path, style: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, kind in enumerate(KINDS):
        data = {**COLOUR_TIFFS, **GRAY_TIFFS}[kind]
        (folder / f"{number}.tif").write_bytes(data)
    (folder / "p3.png").write_bytes(COLOUR_FILES["PNG Display P3"])
    (folder / "notes.txt").write_text("none of them")
    assert convert(folder, style, tmp_path / "whole") == 0
    (folder / "p3.png").unlink()
    assert convert(folder, style, tmp_path / "windows", "--max-pixels", "500") == 0
    for number, kind in enumerate(KINDS):
        expected = GRAY if kind in GRAY_TIFFS else LUMA
        for found in (tmp_path / f"whole/{number}.png", tmp_path / f"windows/{number}.tif"):
            assert np.abs(result(found) - expected)[:, :40].max() < 2.5, (kind, found)
    assert np.abs(result(tmp_path / "whole/p3.png") - LUMA).mean() < 1.5
    assert lines(tmp_path / "whole")["0.tif"]["reading"]["profile"] == "test"


def test_tiff_options_apply_without_georeferencing(
    tmp_path: Path, style: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.tif").write_bytes(tiff(STREET))
    (folder / "b.jpg").write_bytes(saved(STREET, "JPEG"))
    assert convert(folder, style, tmp_path / "bands", "--bands", "3") == 1
    assert np.abs(result(tmp_path / "bands/a.tif") - STREET[..., 2]).max() < 1
    assert lines(tmp_path / "bands")["a.tif"]["raster"]["bands"] == [3]
    assert "expected a TIFF for --bands, got JPEG" in lines(tmp_path / "bands")["b.jpg"]["error"]
    assert convert(folder, style, tmp_path / "cog", "--cog") == 1
    with rasterio.open(tmp_path / "cog/a.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert "expected a TIFF or VRT for --cog" in lines(tmp_path / "cog")["b.jpg"]["error"]
    assert convert(folder / "a.tif", style, tmp_path / "nodata", "--nodata", str(int(STREET[0, 0, 0]))) == 0
    assert "--page" not in capfd.readouterr().err


def test_every_page_has_a_result(tmp_path: Path, style: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(pages(STREET, SECOND))
    assert convert(path, style, tmp_path / "first") == 0
    assert "scan.tif: it has 2 pages: number 1 is used" in capfd.readouterr().err
    assert convert(path, style, tmp_path / "second", "--page", "2") == 0
    assert convert(path, style, tmp_path / "all", "--page", "all") == 0
    for name, expected in (
        ("first/scan.png", LUMA),
        ("second/scan.png", LUMA[::-1]),
        ("all/scan_page1.png", LUMA),
        ("all/scan_page2.png", LUMA[::-1]),
    ):
        assert np.abs(result(tmp_path / name) - expected).max() < 1
    assert lines(tmp_path / "all")["scan.tif2"]["reading"] == {"directory": 1, "page": 2, "pages": 2}


def test_transparency_is_kept_and_ignored_files_are_counted(
    tmp_path: Path, style: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    alpha = np.full(GRAY.shape, 255, np.uint8)
    alpha[:, :9] = 0
    (folder / "a.png").write_bytes(saved(np.dstack([STREET, alpha]), "PNG"))
    (folder / "a.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    for name in ("b.gif", "c.gif", "d.txt"):
        (folder / name).write_text("x")
    assert convert(folder, style, tmp_path / "out") == 0
    said = capfd.readouterr()
    assert "; ignored 3 files: 2 .gif, 1 .txt" in said.out
    assert "a.png: 17.3% of it is transparent or invalid" in said.err
    assert "its world file a.pgw is not kept" in said.err
    with Image.open(tmp_path / "out/a.png") as image:
        found = np.asarray(image.convert("LA"))
    np.testing.assert_array_equal(found[..., 1], alpha)
    assert np.abs(found[:, 9:, 0] - LUMA[:, 9:]).max() < 1


TABLE = ("CMYK", "CIE Lab", "16 bit CMYK", "16 bit CIE Lab", "plain", "white is zero")
"""File formats that are tested in memory, in windows and with georeferencing."""
WORLD = "0.5\n0\n0\n-0.5\n500000\n4000000\n"


def test_tiling_and_georeferencing_do_not_change_the_result(tmp_path: Path, style: Path) -> None:
    small, placed = tmp_path / "small", tmp_path / "placed"
    for folder in (small, placed):
        folder.mkdir()
    for number, kind in enumerate(TABLE):
        data = {**COLOUR_TIFFS, **GRAY_TIFFS}[kind]
        for folder in (small, placed):
            (folder / f"{number}.tif").write_bytes(data)
        (placed / f"{number}.tfw").write_text(WORLD)
    assert convert(small, style, tmp_path / "whole") == 0
    assert convert(small, style, tmp_path / "windows", "--max-pixels", "500") == 0
    assert convert(placed, style, tmp_path / "raster") == 0
    for number, kind in enumerate(TABLE):
        expected = result(tmp_path / f"whole/{number}.png")
        assert np.abs(expected - (GRAY if kind in GRAY_TIFFS else LUMA)).max() < 2.5, kind
        for way in ("windows", "raster"):
            assert np.abs(result(tmp_path / f"{way}/{number}.tif") - expected).max() <= 1.01, (kind, way)
    with rasterio.open(tmp_path / "raster/0.tif") as file:
        assert file.transform.c == pytest.approx(500000, abs=1)


def test_percentile_levels_are_recorded_and_independent_of_georeferencing(tmp_path: Path, style: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    counts = (STREET.astype(np.uint16) * 9 + 100).astype(np.uint16)
    for name in ("a", "b"):
        (folder / f"{name}.tif").write_bytes(tiff(counts))
    (folder / "b.tfw").write_text(WORLD)
    assert convert(folder, style, tmp_path / "out", "--levels", "percentile") == 0
    entries = lines(tmp_path / "out")
    expected = np.percentile(counts, (2, 98)).tolist()
    assert entries["a.tif"]["reading"]["levels"] == pytest.approx(expected)
    assert entries["b.tif"]["raster"]["levels"] == pytest.approx(expected)
    whole, raster = (result(next((tmp_path / "out").glob(f"{name}.*"))) for name in ("a", "b"))
    assert np.abs(whole - raster).max() <= 1.01


def test_stereo_files_and_rare_suffixes_are_read(
    tmp_path: Path, style: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.mpo").write_bytes(several("MPO"))
    (folder / "b.tf8").write_bytes(tiff(STREET))
    (folder / "c.dib").write_bytes(saved(STREET, "BMP"))
    (folder / "d.pgm").write_bytes(b"P5 1 1 255 a")
    assert convert(folder, style, tmp_path / "out") == 0
    said = capfd.readouterr()
    assert "; ignored 1 file: 1 .pgm" in said.out
    assert "a.mpo: it has 2 images: number 1 is used" in said.err
    for name in ("a", "b", "c"):
        assert np.abs(result(tmp_path / f"out/{name}.png") - LUMA).max() < (4 if name == "a" else 1)
