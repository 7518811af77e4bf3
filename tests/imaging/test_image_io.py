from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ir_transfer.errors import DecodeError, EncodeError, InputError, MissingFileError
from ir_transfer.imaging.image_io import (
    BitDepth,
    Format,
    decode_image,
    encode_gray,
    read_image,
    to_levels,
    write_gray,
    write_whole,
)
from ir_transfer.imaging.image_names import is_image_name
from tests.conftest import photograph

RGB = photograph(37, 53)
WIDE = (RGB.astype(np.uint16) * 257 + np.arange(53, dtype=np.uint16)[None, :, None]).clip(0, 65535).astype(np.uint16)


def saved(array: NDArray[Any], kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def write_bands(path: Path, bands: NDArray[Any], driver: str = "GTiff", **profile: Any) -> Path:
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", driver=driver, count=count, height=height, width=width, dtype=bands.dtype, **profile
    ) as file:
        file.write(bands)
    return path


def chw(array: NDArray[Any]) -> NDArray[np.float32]:
    white = np.iinfo(array.dtype).max
    return (array.transpose(2, 0, 1) / white).astype(np.float32)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_lossless_formats_are_read_exactly(kind: str) -> None:
    image = decode_image(saved(RGB, kind), "x")
    rgb = image.rgb()
    assert rgb.dtype == np.float32
    assert (image.height, image.width, image.bit_depth) == (37, 53, 8)
    np.testing.assert_allclose(rgb, chw(RGB), atol=1e-7)


@pytest.mark.parametrize("options", [{"kind": "JPEG", "quality": 97}, {"kind": "WEBP", "quality": 98}])
def test_lossy_formats_are_read(options: dict[str, Any]) -> None:
    image = decode_image(saved(RGB, **options), "x")
    assert np.abs(image.rgb() - chw(RGB)).mean() < 0.03


def test_lossless_webp() -> None:
    np.testing.assert_allclose(decode_image(saved(RGB, "WEBP", lossless=True), "x").rgb(), chw(RGB), atol=1e-7)


def test_gray_is_repeated_to_rgb() -> None:
    image = decode_image(saved(RGB[..., 0], "PNG"), "x")
    assert image.levels.shape[0] == 1
    assert not image.is_colour
    assert image.rgb().shape == (3, 37, 53)
    assert np.ptp(image.rgb(), axis=0).max() == 0


def test_luma_is_bt601() -> None:
    image = decode_image(saved(RGB, "PNG"), "x")
    expected = (chw(RGB) * np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]).sum(0)
    np.testing.assert_allclose(image.gray()[0], expected, atol=1e-6)
    assert image.is_colour


def test_alpha_is_dropped_not_blended() -> None:
    rgba = np.dstack([RGB, np.zeros_like(RGB[..., 0])])
    np.testing.assert_allclose(decode_image(saved(rgba, "PNG"), "x").rgb(), chw(RGB), atol=1e-7)


def test_palette_and_bilevel_images_are_read() -> None:
    file = io.BytesIO()
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(file, "PNG")
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_allclose(decode_image(file.getvalue(), "x").rgb(), chw(expected), atol=1e-7)
    bits = decode_image(saved(RGB[..., 0] > 99, "PNG"), "x")
    assert set(np.unique(bits.rgb())) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(file, kind)
    assert np.abs(decode_image(file.getvalue(), "x").rgb() - chw(RGB)).mean() < 0.03


def test_wide_cmyk_tiff(tmp_path: Path) -> None:
    ink = np.concatenate([65535 - WIDE.transpose(2, 0, 1), np.zeros((1, 37, 53), np.uint16)])
    path = write_bands(tmp_path / "x.tif", ink, photometric="CMYK")
    np.testing.assert_allclose(read_image(path).rgb(), chw(WIDE), atol=1e-5)


@pytest.mark.parametrize("driver", ["PNG", "GTiff"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_16_bit_precision_is_kept(tmp_path: Path, driver: str, count: int) -> None:
    bands = WIDE.transpose(2, 0, 1)[[0, 1, 2, 0]][:count].copy()
    if count in {2, 4}:
        bands[-1] = 65535  # alpha, as far as PNG goes
    image = read_image(write_bands(tmp_path / "x", bands, driver))
    assert image.bit_depth == 16
    shown = bands[:3] if count >= 3 else bands[:1]
    np.testing.assert_array_equal(image.levels, shown)
    assert len(np.unique(image.rgb())) > 256


def test_12_bit_tiff_uses_its_white_level(tmp_path: Path) -> None:
    path = write_bands(tmp_path / "x.tif", (WIDE[None, ..., 0] >> 4).astype(np.uint16), NBITS=12)
    np.testing.assert_allclose(read_image(path).rgb()[0], WIDE[..., 0] / 65535, atol=1 / 4095)


def test_white_is_zero_tiff(tmp_path: Path) -> None:
    path = write_bands(tmp_path / "x.tif", WIDE[None, ..., 0], photometric="MINISWHITE")
    np.testing.assert_array_equal(read_image(path).levels[0], 65535 - WIDE[..., 0])


def test_many_band_geotiff_shows_its_first_three(tmp_path: Path) -> None:
    bands = np.concatenate([RGB.transpose(2, 0, 1)] * 2)
    transform = rasterio.transform.from_origin(500000, 4000000, 0.5, 0.5)
    path = write_bands(tmp_path / "x.tif", bands, crs="EPSG:32611", transform=transform, tiled=True, compress="deflate")
    np.testing.assert_allclose(read_image(path).rgb(), chw(RGB), atol=1e-7)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WIDE_PNG", "WIDE_TIFF"])
def test_orientation_is_applied(tmp_path: Path, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = ImageOps.exif_transpose(_tagged(RGB[..., 0], exif))
    if kind == "WIDE_TIFF":
        path = tmp_path / "x.tif"
        Image.fromarray(WIDE[..., 0]).save(path, tiffinfo={274: orientation})
        data = path.read_bytes()
    elif kind == "WIDE_PNG":
        data = saved(WIDE[..., 0], "PNG", exif=exif)
    elif kind == "TIFF":
        data = saved(RGB[..., 0], "TIFF", tiffinfo={274: orientation})
    else:
        data = saved(RGB[..., 0], kind, exif=exif)
    image = decode_image(data, "x")
    assert (image.width, image.height) == upright.size
    assert np.abs(image.gray()[0] - np.asarray(upright) / 255).mean() < 0.03


def _tagged(array: NDArray[np.uint8], exif: Image.Exif) -> Image.Image:
    return Image.open(io.BytesIO(saved(array, "PNG", exif=exif)))


def test_float_tiff(tmp_path: Path) -> None:
    path = write_bands(tmp_path / "x.tif", chw(RGB))
    image = read_image(path)
    assert image.bit_depth == 32
    np.testing.assert_array_equal(image.rgb(), chw(RGB))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_value_is_an_invalid_pixel(tmp_path: Path, value: float) -> None:
    bands = chw(RGB)
    bands[1, 3, 4] = value
    image = read_image(write_bands(tmp_path / "x.tif", bands))
    assert image.valid is not None
    assert np.argwhere(~image.valid).tolist() == [[3, 4]]
    rest = np.delete(chw(RGB).reshape(3, -1), 3 * 53 + 4, axis=1)
    np.testing.assert_allclose(image.rgb()[:, 3, 4], rest.mean(1), atol=1e-5)
    np.testing.assert_array_equal(image.rgb()[:, image.valid], chw(RGB)[:, image.valid])


@pytest.mark.parametrize(("value", "message"), [(7.0, "got 0"), (-9, "-9")])
def test_float_tiff_out_of_range_is_rejected(tmp_path: Path, value: float, message: str) -> None:
    bands = np.zeros((1, 20, 20), np.float32)
    bands[0, 3, 3] = value
    path = write_bands(tmp_path / "x.tif", bands)
    with pytest.raises(DecodeError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("dtype", ["int16", "uint32", "int32"])
def test_types_without_a_white_level_are_rejected(tmp_path: Path, dtype: str) -> None:
    path = write_bands(tmp_path / "x.tif", np.ones((1, 20, 20), dtype))
    with pytest.raises(DecodeError, match=dtype):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "WIDE_PNG", "WIDE_TIFF", "FLOAT_TIFF"])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.8])
def test_truncated_files_are_rejected(tmp_path: Path, kind: str, share: float) -> None:
    if "_" in kind:
        bands = chw(RGB) if kind == "FLOAT_TIFF" else WIDE.transpose(2, 0, 1)
        driver = "PNG" if kind == "WIDE_PNG" else "GTiff"
        whole = write_bands(tmp_path / "whole", bands, driver).read_bytes()
    else:
        whole = saved(RGB, kind)
    path = tmp_path / "cut.png"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DecodeError, match=r"cut\.png.*replace"):
        read_image(path)


@pytest.mark.parametrize("data", [b"", b"hello, I am a text", b"II*\x00", b"RIFF....WAVE", b"GIF89a....."])
def test_files_that_are_not_images_are_rejected(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=r"x\.png: expected"):
        read_image(path)


def test_format_is_detected_by_content(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(saved(RGB, "PNG"))
    np.testing.assert_allclose(read_image(path).rgb(), chw(RGB), atol=1e-7)


def test_folder_and_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="check the path"):
        read_image(tmp_path / "none.png")
    with pytest.raises(DecodeError, match="got a folder"):
        read_image(tmp_path)


def test_decompression_bomb_is_rejected_before_decoding(tmp_path: Path) -> None:
    data = saved(np.zeros((3000, 3000), np.uint8), "PNG")
    assert len(data) < 50_000
    with pytest.raises(DecodeError, match=r"3000 x 3000.*--max-pixels"):
        decode_image(data, "x", max_pixels=1_000_000)
    assert decode_image(data, "x", max_pixels=9_000_000).height == 3000
    huge = bytearray(saved(np.zeros((16, 16), np.uint8), "BMP"))
    huge[18:26] = np.array([60_000, 60_000], "<i4").tobytes()
    with pytest.raises(DecodeError, match="--max-pixels"):
        decode_image(bytes(huge), "x")
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(10**8)
    with pytest.raises(DecodeError, match="--max-pixels"):
        read_image(path, max_pixels=1000)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP", "WIDE"]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_damaged_files_raise_only_decode_error(kind: str, changes: list[tuple[int, int]]) -> None:
    whole = saved(WIDE[..., 0], "TIFF") if kind == "WIDE" else saved(RGB, kind)
    data = bytearray(whole)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        image = decode_image(bytes(data), "x", max_pixels=1_000_000)
    except DecodeError as error:
        assert str(error).startswith("x:")
    else:
        assert image.rgb().shape[0] == 3


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.floats(0, 1, width=32)),
    st.sampled_from([8, 16]),
    st.sampled_from(["png", "tiff"]),
)
def test_round_trip_is_exact_within_half_a_level(
    intensity: NDArray[np.float32], bits: BitDepth, format_: Format
) -> None:
    image = decode_image(encode_gray(to_levels(intensity, bits), format_), "x")
    assert image.levels.shape == (1, *intensity.shape)
    assert image.bit_depth == bits
    np.testing.assert_array_equal(image.levels[0], to_levels(intensity, bits))
    assert np.abs(image.gray()[0] - intensity).max() <= 0.5 / (2**bits - 1) + 1e-7


def test_every_level_round_trips() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(to_levels((levels / 65535).astype(np.float32), 16), levels)


def test_written_file_is_complete_and_has_one_channel(tmp_path: Path) -> None:
    for bits, format_ in ((8, "png"), (16, "png"), (8, "tiff"), (16, "tiff")):
        path = tmp_path / "deep" / "down" / f"x{bits}.{format_}"
        digest = write_gray(path, np.full((20, 30), 0.5, np.float32), cast("BitDepth", bits), cast("Format", format_))
        with rasterio.open(path) as file:
            assert (file.count, file.height, file.width, file.dtypes[0]) == (1, 20, 30, f"uint{bits}")
        assert digest == read_image(path).sha256
        assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []


def test_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="NaN"):
        write_gray(tmp_path / "x.png", np.full((20, 20), np.nan, np.float32))
    assert list(tmp_path.iterdir()) == []


def test_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncodeError, match="choose another folder"):
        write_whole(tmp_path / "file" / "x.png", b"data")


def test_full_disk_leaves_the_earlier_file(tmp_path: Path) -> None:
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from pathlib import Path; from ir_transfer.imaging.image_io import write_whole;"
        "write_whole(Path(sys.argv[1]), bytes(5000))"
    )
    target = tmp_path / "x.png"
    target.write_bytes(b"earlier result")
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, env={**os.environ}, check=False
    )
    assert "EncodeError" in done.stderr
    assert target.read_bytes() == b"earlier result"
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_image_names_are_recognised() -> None:
    assert all(is_image_name(Path(name)) for name in ("a.PNG", "b.jpeg", "c.tif", "d.webp"))
    assert not any(is_image_name(Path(name)) for name in ("a.txt", "manifest.jsonl", "png"))
