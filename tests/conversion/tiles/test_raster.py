from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.rpc import RPC
from rasterio.windows import Window

from ir_transfer.conversion.tiles.raster import RasterResult, convert_raster
from ir_transfer.conversion.tiles.translate import TileCounts
from ir_transfer.errors import DecodeError, EncodeError, InputError
from ir_transfer.imaging.image_io import to_levels
from ir_transfer.imaging.raster.store import work_folder
from ir_transfer.imaging.raster.write import hidden
from tests.conversion.tiles.test_translate import translator, whole
from tests.imaging.raster.rasters import PLACE, PLACED, numbers, write
from tests.imaging.raster.test_store import largest_file

RED, GREEN, BLUE, ALPHA = ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha
LUMA = np.array([0.299, 0.587, 0.114])[:, None, None]
BLOCKS: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64}


def convert(path: Path, **options: Any) -> RasterResult:
    return convert_raster(path, path.with_name("out.tif"), translator("inverted"), **{"tile": 64, **options})


def inverted(bands: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(255 - (bands * LUMA).sum(0))


def test_keeps_georeferencing_layout_and_tags(tmp_path: Path) -> None:
    given = np.maximum(numbers(3, 150, 170), 1)
    given[:, :5] = 0
    path = write(tmp_path / "a.tif", given, nodata=0, compress="lzw", **BLOCKS, **PLACED)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(TIFFTAG_DATETIME="2026:01:02 03:04:05", sensor="x", AREA_OR_POINT="Point")
    result = convert(path, tags={"RUN": "1"})
    assert result.windows == TileCounts(9, 9)
    assert (result.height, result.width, result.bands, result.levels) == (150, 170, (1, 2, 3), (0, 255))
    with rasterio.open(path) as source, rasterio.open(result.path) as made:
        assert made.count == 1
        assert made.dtypes == ("uint8",)
        assert made.crs == source.crs
        assert made.transform == source.transform == PLACE
        assert made.block_shapes == [(64, 64)]
        assert made.profile["compress"] == "lzw"
        assert made.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR", "2") == "2"
        assert made.nodata == 0
        assert {**source.tags(), "RUN": "1"}.items() <= made.tags().items()
        assert made.tags()["IR_TRANSFER_MODEL"] == "inverted"
        assert made.tags()["AREA_OR_POINT"] == "Point"
        levels, mask = made.read(1), made.read_masks(1)
    assert not mask[:5].any()
    assert mask[5:].all()
    assert np.abs(levels[5:] - inverted(given)[5:]).max() <= 0.51
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.tif", "out.tif"]


def test_gcps_and_rpcs_are_kept(tmp_path: Path) -> None:
    corners = [(0, 0, 8.5, 47.5), (0, 70, 8.6, 47.5), (60, 0, 8.5, 47.4), (60, 70, 8.6, 47.4)]
    gcps = [GroundControlPoint(row=r, col=c, x=x, y=y, z=0.0) for r, c, x, y in corners]
    path = write(tmp_path / "a.tif", numbers(3, 60, 70))
    coefficients = [0.1 * n for n in range(20)]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (gcps, CRS.from_epsg(4326))
        dataset.rpcs = RPC(
            500, 100, 47.45, 0.05, coefficients, coefficients, 30, 30, 8.55, 0.05, coefficients, coefficients, 35, 35
        )
    with rasterio.open(path) as source, rasterio.open(convert(path).path) as made:
        points, crs = made.gcps
        assert crs == CRS.from_epsg(4326)
        assert [(p.row, p.col, p.x, p.y) for p in points] == [(p.row, p.col, p.x, p.y) for p in source.gcps[0]]
        assert made.rpcs is not None
        assert made.rpcs.to_gdal() == source.rpcs.to_gdal()
        assert made.nodata is None
        assert made.mask_flag_enums == ([MaskFlags.all_valid],)


@pytest.mark.parametrize("kind", ["mask", "alpha"])
@pytest.mark.parametrize("cog", [False, True])
def test_mask_is_kept(tmp_path: Path, kind: str, cog: bool) -> None:
    shown = np.ones((90, 80), np.bool_)
    shown[20:70, 5:80] = False
    bands = numbers(3, 90, 80)
    if kind == "mask":
        path = write(tmp_path / "a.tif", bands, mask=shown)
    else:
        alpha = shown[None].astype("uint8") * 255
        path = write(tmp_path / "a.tif", np.concatenate([bands, alpha]), colors=[RED, GREEN, BLUE, ALPHA])
    result = convert(path, cog=cog)
    assert result.masked
    assert result.nodata is None
    with rasterio.open(result.path) as made:
        np.testing.assert_array_equal(made.read_masks(1) > 0, shown)
        assert made.nodata is None
        assert np.abs(made.read(1) - inverted(bands))[shown].max() <= 0.51
    assert not list(tmp_path.glob("*.msk"))


@pytest.mark.parametrize(
    ("options", "compression"),
    [
        ({"compress": "jpeg", **BLOCKS}, "deflate"),
        ({"compress": "zstd", **BLOCKS}, "zstd"),
        ({"compress": "packbits"}, "packbits"),
        ({}, None),
        ({"driver": "PNG"}, "deflate"),
    ],
)
def test_lossless_compression_is_kept(tmp_path: Path, options: dict[str, Any], compression: str | None) -> None:
    path = write(tmp_path / ("a.png" if "driver" in options else "a.tif"), numbers(3, 90, 100), **options)
    with rasterio.open(convert(path).path) as made, rasterio.open(path) as source:
        assert made.profile.get("compress") == compression
        if source.driver == "GTiff":
            assert made.block_shapes[0] == source.block_shapes[0]


@pytest.mark.parametrize(("asked", "compression"), [("fast", "deflate"), ("small", "deflate"), ("none", None)])
@pytest.mark.parametrize("cog", [False, True])
def test_a_requested_compression(tmp_path: Path, asked: str, compression: str | None, cog: bool) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 600, 700), compress="lzw", **BLOCKS, **PLACED)
    with rasterio.open(convert(path, tile=512, compression=asked, cog=cog).path) as made:
        assert made.profile.get("compress") == compression
        assert made.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == ("COG" if cog else None)
        assert np.abs(made.read(1) - inverted(numbers(3, 600, 700))).max() <= 0.51


@pytest.mark.parametrize(
    ("dtype", "nodata", "kept"), [("uint16", 65535, 65535), ("float32", -9999, 0), ("int16", 7, 7)]
)
def test_output_of_16_bits_with_a_given_range(tmp_path: Path, dtype: str, nodata: int, kept: int) -> None:
    given = numbers(3, 70, 90, dtype)
    given[:, 2, 3] = nodata
    path = write(tmp_path / "a.tif", given, nodata=nodata)
    result = convert(path, levels=(100.0, 9000.0))
    assert (result.bit_depth, result.nodata) == (16, kept)
    unit = np.clip((given - 100.0) / 8900, 0, 1)
    with rasterio.open(result.path) as made:
        assert made.dtypes == ("uint16",)
        levels, shown = made.read(1), made.read_masks(1) > 0
    assert np.argwhere(~shown).tolist() == [[2, 3]]
    assert np.abs(levels - 65535 * (1 - (unit * LUMA).sum(0)))[shown].max() <= 1.1
    assert convert(path, levels=(100.0, 9000.0), bit_depth=8).bit_depth == 8


def test_overviews_and_cloud_optimised_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 600, 700), compress="deflate", **BLOCKS, **PLACED)
    for cog in (False, True):
        with rasterio.open(convert(path, tile=512, overviews=True, cog=cog).path) as made:
            assert 2 in made.overviews(1)
            assert made.transform == PLACE
            layout = made.tags(ns="IMAGE_STRUCTURE").get("LAYOUT")
            assert layout == ("COG" if cog else None)
            assert np.abs(made.read(1) - inverted(numbers(3, 600, 700))).max() <= 0.51


def test_inversion_hides_no_pixel(tmp_path: Path) -> None:
    given = np.maximum(numbers(3, 64, 64), 1)
    given[:, 10:12] = 255  # black, which is the nodata value
    path = write(tmp_path / "a.tif", given, nodata=0)
    with rasterio.open(convert(path).path) as made:
        assert made.read_masks(1).all()
        assert (made.read(1)[10:12] == 1).all()
    with rasterio.open(convert(path, inverted=True).path) as made:
        assert (made.read(1)[10:12] == 255).all()


def test_a_valid_pixel_never_holds_the_nodata_value() -> None:
    levels, valid = np.array([[0, 254, 255]], np.uint8), np.array([[True, True, False]])
    assert hidden(levels, valid, 0).tolist() == [[1, 254, 0]]
    assert hidden(levels, valid, 255).tolist() == [[0, 254, 255]]
    assert hidden(levels, None, 255).tolist() == [[0, 254, 254]]
    assert hidden(levels, valid, None).tolist() == [[0, 254, 0]]


def test_raster_tiles_equal_the_whole_image(tmp_path: Path) -> None:
    import torch

    given = numbers(3, 200, 150)
    path = write(tmp_path / "a.tif", given)
    made_by = translator("adain")
    out = tmp_path / "out.tif"
    convert_raster(path, out, made_by, tile=64)
    expected = whole(made_by, torch.from_numpy(given[None] / np.float32(255)))
    with rasterio.open(out) as made:
        assert np.abs(made.read(1).astype(int) - to_levels(expected)).max() <= 1
        assert made.read(1).std() > 1


class StopError(Exception):
    pass


class Stopper:
    """Stops a run when a given number of tiles remain."""

    def __init__(self, missing: int) -> None:
        self.missing = missing

    def start(self, total: int) -> None:
        self.left = total - self.missing

    def advance(self, error: str | None) -> None:
        self.left -= 1
        if not self.left:
            raise StopError


_KILLED = """
import os, signal, sys
from pathlib import Path
from ir_transfer.conversion.tiles.raster import convert_raster
from tests.conversion.tiles.test_translate import translator

class Killer:
    left = int(sys.argv[3])
    def start(self, total): pass
    def advance(self, error):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

convert_raster(Path(sys.argv[1]), Path(sys.argv[2]), translator("adain"), tile=64, resume=True, observer=Killer())
"""


def test_resumes_after_sigkill(tmp_path: Path) -> None:
    given = np.maximum(numbers(3, 180, 150), 1)
    given[:, :70, :70] = 0
    path = write(tmp_path / "a.tif", given, nodata=0, **BLOCKS)
    undisturbed = tmp_path / "b.tif"
    convert_raster(path, undisturbed, translator("adain"), tile=64)
    out = tmp_path / "out.tif"
    with pytest.raises(StopError):  # in the first pass, whose first rows of tiles are kept
        convert_raster(path, out, translator("adain"), tile=64, observer=Stopper(15))
    command = [sys.executable, "-c", _KILLED, str(path), str(out), str(9 + 4)]
    assert subprocess.run(command, timeout=120, check=False).returncode == -9
    assert not out.exists()
    result = convert_raster(path, out, translator("adain"), tile=64, resume=True)
    assert result.windows == TileCounts(9, 5)
    assert out.read_bytes() == undisturbed.read_bytes()
    assert not work_folder(out).exists()


def stopped(path: Path, **options: Any) -> None:
    with pytest.raises(StopError):
        convert(path, observer=Stopper(3), **options)


def test_changed_settings_discard_stored_windows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 150, 150))
    stopped(path)
    assert convert(path, resume=True).windows == TileCounts(9, 3)
    for first, then in (({}, {"inverted": True}), ({}, {"bands": (3, 2, 1)}), ({}, {"resume": False})):
        stopped(path, **first)
        assert convert(path, **{"resume": True, **then}).windows == TileCounts(9, 9)


def test_a_damaged_source_leaves_no_result(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 200, 200), **BLOCKS)
    path.write_bytes(path.read_bytes()[:40_000])
    with pytest.raises(DecodeError, match="the file is damaged, replace it or download it again"):
        convert(path)
    assert not (tmp_path / "out.tif").exists()


def test_full_disk_keeps_finished_windows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 200, 200))
    with largest_file(200 * 200 + 100), pytest.raises(EncodeError, match="expected to write it, got"):
        convert(path)
    assert not (tmp_path / "out.tif").exists()
    assert convert(path, resume=True).windows == TileCounts(16, 0)


def test_rejects_invalid_rasters(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(3, 64, 64))
    with pytest.raises(InputError, match="a path other than the source's"):
        convert_raster(path, path, translator("inverted"), tile=64)
    with pytest.raises(InputError, match="at least 16 pixels, got 64 x 12"):
        convert(write(tmp_path / "b.tif", numbers(3, 12, 64)))
    empty = write(tmp_path / "c.tif", np.zeros((3, 64, 64), "uint8"), nodata=0)
    with pytest.raises(InputError, match="valid pixels, got none"):
        convert_raster(empty, tmp_path / "d.tif", translator("adain"), tile=64)


def test_reads_a_window_of_the_result(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(1, 300, 64), compress="deflate")
    with rasterio.open(convert(path).path) as made:
        part = made.read(1, window=Window(0, 100, 64, 50))
    assert np.abs(part - (255.0 - numbers(1, 300, 64)[0, 100:150])).max() <= 1
