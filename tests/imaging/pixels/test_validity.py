"""Alpha, nodata, masks and NaN have the same meaning in images, exemplars and masks."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image
from rasterio.enums import ColorInterp

from ir_transfer.conversion.masks import _drawn
from ir_transfer.conversion.tiles.io import ImageSource
from ir_transfer.data.cards import Layout
from ir_transfer.data.pair_files import load_pair, read_pair
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import DecodeError
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.imaging.exemplars.read import open_exemplar
from ir_transfer.imaging.image_io import DecodedImage, decode_image, encode_gray, read_image
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import GRAY, PROPHOTO, STREET, icc, in_space, saved, stored_for, tiff
from tests.imaging.raster.rasters import PLACED, write

SHOWN = np.ones(GRAY.shape, np.bool_)
SHOWN[:, :9] = False
ALPHA = np.where(SHOWN, 255, 0).astype(np.uint8)
BLACKENED = np.where(SHOWN, GRAY, 0).astype(np.uint8)
KEYED = np.where(SHOWN, np.maximum(GRAY, 1), 0).astype(np.uint8)


def _tagged(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, levels, extratags=[(42113, 2, len(text) + 1, text, True)], metadata=None)
    return file.getvalue()


def _keyed_png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(KEYED).save(file, "PNG", transparency=0)
    return file.getvalue()


KINDS = {
    "alpha.png": saved(np.dstack([BLACKENED, ALPHA]), "PNG"),
    "alpha16.png": None,
    "colour_alpha.webp": saved(np.dstack([BLACKENED] * 3 + [ALPHA]), "WEBP", lossless=True, exact=True),
    "alpha.tif": tiff(np.dstack([BLACKENED, ALPHA]), photometric="minisblack", extrasamples=["unassalpha"]),
    "premultiplied.tif": tiff(np.dstack([BLACKENED, ALPHA]), photometric="minisblack", extrasamples=["assocalpha"]),
    "nodata.tif": _tagged(KEYED, "0"),
    "key.png": _keyed_png(),
    "mask.tif": None,
    "sidecar.tif": tiff(GRAY),
    "sidecar.jpg": saved(GRAY, "JPEG", quality=100),
    "nan.tif": tiff(np.where(SHOWN, GRAY / np.float32(255), np.nan).astype(np.float32)),
    "pam.tif": tiff(KEYED),
}


def write_sidecar_mask(image: Path) -> None:
    """Write a mask sidecar of an image as GDAL does."""
    mask = write(image.with_name(f"{image.name}.msk"), ALPHA[None])
    with rasterio.open(mask, "r+") as dataset:
        dataset.update_tags(INTERNAL_MASK_FLAGS_1="2")


def write_kind(folder: Path, name: str) -> Path:
    path = folder / name
    data = KINDS[name]
    if name == "mask.tif":
        return write(path, BLACKENED[None], mask=SHOWN)
    if name == "alpha16.png":
        wide = np.stack([BLACKENED, ALPHA]).astype(np.uint16) * 257
        return write(path, wide, driver="PNG")
    assert data is not None
    path.write_bytes(data)
    if name.startswith("sidecar"):
        write_sidecar_mask(path)
    if name.startswith("pam"):
        text = "<PAMDataset><PAMRasterBand band='1'><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>"
        path.with_name(f"{name}.aux.xml").write_text(text)
    return path


@pytest.mark.parametrize("name", KINDS)
def test_invalid_pixels_are_replaced_with_the_mean_and_masked(tmp_path: Path, name: str) -> None:
    path = write_kind(tmp_path, name)
    image = read_image(path)
    assert image.valid is not None
    np.testing.assert_array_equal(image.valid, SHOWN)
    gray = image.gray()[0] * 255
    np.testing.assert_allclose(gray[SHOWN], GRAY[SHOWN], atol=2 if name.endswith("jpg") else 0.51)
    np.testing.assert_allclose(gray[~SHOWN], GRAY[SHOWN].mean(), atol=1.1)
    assert image.reading.facts["transparent"] == pytest.approx(9 / 52, abs=1e-4)
    assert "17.3% of it is transparent or invalid" in image.reading.notes[-1]
    unit, valid = ImageSource(image).read(3, 5, 20, 30)
    assert valid is not None
    np.testing.assert_array_equal(valid, SHOWN[3:20, 5:30])
    np.testing.assert_allclose(unit, image.rgb()[:, 3:20, 5:30])


@pytest.mark.parametrize("name", KINDS)
def test_invalid_pixels_do_not_affect_the_exemplar(tmp_path: Path, name: str) -> None:
    read = open_exemplar(write_kind(tmp_path, name), "full")
    assert read.valid is not None
    assert not read.valid[~SHOWN].any()
    assert read.valid[SHOWN].mean() > 0.9
    assert read.intensity[read.valid].min() > 0.2


@pytest.mark.parametrize("name", [name for name in KINDS if name.endswith("tif")])
def test_windowed_reading_has_the_same_valid_pixels(tmp_path: Path, name: str) -> None:
    path = write_kind(tmp_path, name)
    whole = read_image(path)
    with Raster(str(path)) as raster:
        unit, valid = raster.read(0, 0, raster.height, raster.width)
    assert valid is not None
    np.testing.assert_array_equal(valid, SHOWN)
    np.testing.assert_allclose(unit[:, SHOWN], whole.rgb()[:, SHOWN], atol=2e-6)
    np.testing.assert_allclose(unit[:, ~SHOWN], whole.rgb()[:, ~SHOWN], atol=1 / 255)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_level_of_gray_of_few_bits(bits: int) -> None:
    levels = np.arange(32, dtype=np.uint8).reshape(4, 8) % 2**bits
    packed = np.packbits(np.unpackbits(levels[..., None], axis=2)[..., 8 - bits :].reshape(4, -1), axis=1)
    header = struct.pack(">IIBBBBB", 8, 4, bits, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    parts = ((b"IHDR", header), (b"tRNS", b"\0\1"), (b"IDAT", rows), (b"IEND", b""))
    chunks = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts)
    image = decode_image(b"\x89PNG\r\n\x1a\n" + b"".join(chunks), "x")
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha == 0, levels == 1)
    np.testing.assert_array_equal(image.levels[0][levels != 1], levels[levels != 1] * (255 // (2**bits - 1)))


def test_soft_alpha_is_composited() -> None:
    alpha = np.full(GRAY.shape, 255, np.uint8)
    alpha[:, :9] = 191
    image = decode_image(saved(np.dstack([GRAY, alpha]), "PNG"), "x")
    assert image.valid is None
    share = 191 / 255
    expected = GRAY[:, :9] * share + GRAY.mean() * (1 - share)
    np.testing.assert_allclose(image.gray()[0, :, :9] * 255, expected, atol=0.6)


def test_alpha_of_zero_everywhere_is_ignored_and_reported() -> None:
    image = decode_image(saved(np.dstack([STREET, np.zeros_like(GRAY)]), "PNG"), "x")
    np.testing.assert_array_equal(image.levels, STREET.transpose(2, 0, 1))
    assert image.reading.notes == ["it is transparent everywhere: its transparency is ignored"]


def test_file_with_only_nodata_is_rejected() -> None:
    declared = _tagged(np.full_like(KEYED, 7), "7")
    for data, wanted in ((tiff(np.zeros_like(KEYED)), Wanted(nodata=0)), (declared, Wanted())):
        with pytest.raises(DecodeError, match=r"x: expected pixels with a value, got its nodata value [07] everywhere"):
            decode_image(data, "x", wanted=wanted)


def test_nodata_value_can_be_given(tmp_path: Path) -> None:
    data = tiff(KEYED)
    assert decode_image(data, "x").valid is None
    image = decode_image(data, "x", wanted=Wanted(nodata=0))
    assert image.valid is not None
    np.testing.assert_array_equal(image.valid, SHOWN)
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    with Raster(str(path), nodata=0) as raster:
        valid = raster.read(0, 0, 36, 52)[1]
    assert valid is not None
    np.testing.assert_array_equal(valid, SHOWN)


def test_requested_band_tagged_as_alpha_is_data(tmp_path: Path) -> None:
    bands = np.concatenate([STREET.transpose(2, 0, 1), BLACKENED[None]])
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    path = write(tmp_path / "a.tif", bands, colors=colours, **PLACED)
    with Raster(str(path), (4, 1, 2)) as raster:
        unit, valid = raster.read(0, 0, 36, 52)
    assert valid is None
    np.testing.assert_allclose(unit * 255, bands[[3, 0, 1]], atol=1e-4)


def test_results_keep_invalid_pixels(tmp_path: Path) -> None:
    for format_, name in (("png", "a.png"), ("tiff", "a.tif")):
        path = tmp_path / name
        path.write_bytes(encode_gray(KEYED, format_, nodata=0))  # type: ignore[arg-type]
        found = read_image(path)
        assert found.levels.shape == (1, 36, 52)
        assert found.valid is not None
        np.testing.assert_array_equal(found.valid, SHOWN)


def test_mask_region_is_where_pixels_are_opaque_and_bright() -> None:
    black = decode_image(saved(np.dstack([np.zeros_like(STREET), ALPHA]), "PNG"), "x")
    np.testing.assert_allclose(_drawn(black), SHOWN)
    half = np.where(np.arange(52) < 30, 255, 0).astype(np.uint8) * np.ones_like(GRAY)
    both = _drawn(decode_image(saved(np.dstack([half] * 3 + [ALPHA]), "PNG"), "x"))
    np.testing.assert_allclose(both, SHOWN & (half > 0), atol=1e-6)
    np.testing.assert_allclose(_drawn(DecodedImage(half[None], 255, "")), half / 255)


@pytest.mark.parametrize("content", [b"<VRTDataset/>", b"II*\0damaged", b""])
@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_unreadable_mask_fails_its_image(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(tiff(GRAY) if kind == "TIFF" else saved(GRAY, kind))
    path.with_name(f"{path.name}.msk").write_bytes(content)
    with pytest.raises(DecodeError, match=r"msk"):
        read_image(path)


@pytest.mark.parametrize("name", KINDS)
def test_pair_is_valid_where_its_ground_truth_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "rgb.png").write_bytes(saved(STREET, "PNG"))
    path = write_kind(tmp_path, name)
    pair = Pair("a", tmp_path / "rgb.png", path)
    scene = load_scene(pair)
    assert scene.valid is not None
    np.testing.assert_array_equal(scene.valid[0, 0].numpy(), SHOWN)
    np.testing.assert_array_equal(read_pair(pair).valid, SHOWN)
    valid = load_pair(pair, max_width=26).valid
    assert valid is not None
    assert not valid[:, :8].any()
    assert valid[:, 8:].all()
    (tmp_path / "gray.png").write_bytes(saved(GRAY, "PNG"))
    np.testing.assert_array_equal(load_pair(Pair("b", path, tmp_path / "gray.png")).valid, SHOWN)


@pytest.mark.parametrize("side", ["left", "right"])
def test_side_by_side_pair_keeps_the_validity_of_its_halves(tmp_path: Path, side: str) -> None:
    both, alpha = np.hstack([GRAY, GRAY]), np.hstack([ALPHA, np.full_like(ALPHA, 255)])
    alpha[:2] = 0
    (tmp_path / "a.png").write_bytes(saved(np.dstack([both, alpha]), "PNG"))
    layout = Layout("side-by-side", rgb_side=side, border=1)  # type: ignore[arg-type]
    valid = read_pair(Pair("a", tmp_path / "a.png", tmp_path / "a.png", layout=layout)).valid
    assert valid is not None
    expected = SHOWN.copy()
    expected[:2] = False
    np.testing.assert_array_equal(valid, expected[1:-1, 1:-1])


@pytest.mark.parametrize("kind", ["nodata", "mask", "alpha", "sidecar"])
def test_multi_band_pair_is_valid_where_all_bands_are(tmp_path: Path, kind: str) -> None:
    bands = np.concatenate([np.maximum(STREET.transpose(2, 0, 1), 1), KEYED[None]])
    tagged = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    options = {"nodata": {"nodata": 0}, "mask": {"mask": SHOWN}, "alpha": {"colors": tagged}, "sidecar": {}}[kind]
    path = write(tmp_path / "a.tif", bands, **options)  # type: ignore[arg-type]
    if kind == "sidecar":
        write_sidecar_mask(path)
    layout = Layout("bands", rgb_bands=(1, 2, 3), ir_band=4)  # type: ignore[arg-type]
    read = read_pair(Pair("a", path, path, layout=layout))
    np.testing.assert_allclose(read.ir[0, SHOWN] * 255, KEYED[SHOWN], atol=1e-4)
    if kind == "alpha":  # a band that is asked for is data
        assert read.valid is None
        assert not read.ir[0, ~SHOWN].any()
    else:
        np.testing.assert_array_equal(read.valid, SHOWN)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_multi_band_pair_is_upright_and_in_srgb(tmp_path: Path, orientation: int) -> None:
    bands = np.dstack([in_space(STREET, PROPHOTO, 1.8, 255), GRAY])
    options: dict[str, Any] = {"photometric": "rgb", "extrasamples": ["unspecified"], "profile": icc(PROPHOTO, 1.8)}
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(stored_for(bands, orientation), orientation=orientation, **options))
    layout = Layout("bands", rgb_bands=[1, 2, 3], ir_band=4)
    read = read_pair(Pair("a", path, path, layout=layout))
    np.testing.assert_allclose(read.rgb.transpose(1, 2, 0) * 255, STREET, atol=2)
    np.testing.assert_allclose(read.ir[0] * 255, GRAY, atol=1e-4)
