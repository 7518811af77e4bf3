"""Formats of the extras, tolerated damage, and kept metadata."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.Image import Exif

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_io import decode_image, encode_gray, read_image
from ir_transfer.imaging.image_names import ignored_text, is_image_name
from ir_transfer.imaging.pixels.containers import open_avif
from ir_transfer.imaging.pixels.exif import EXIF_HEADER, with_exif
from ir_transfer.imaging.pixels.jpeg import open_jpeg
from tests.imaging.pixels.kinds import GRAY, STREET, avif, png_with, saved, srgb_profile


def test_heic() -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    image = decode_image(saved(STREET, "HEIF", quality=100, chroma=444), "x")
    assert np.abs(image.levels.astype(int) - STREET.transpose(2, 0, 1)).mean() < 2
    assert image.reading.notes == []


def test_more_bits_than_are_read_are_reported() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    wide = STREET.astype(np.uint16) * np.uint16(257)
    heif.from_bytes("RGB;16", (STREET.shape[1], STREET.shape[0]), wide.tobytes()).save(file, quality=100, chroma=444)
    image = decode_image(file.getvalue(), "x")
    assert np.abs(image.levels.astype(int) - STREET.transpose(2, 0, 1)).mean() < 2
    assert image.reading.notes == ["it has 10 bits: read at 8 bits"]
    data = bytearray(saved(STREET, "AVIF"))
    assert open_avif(bytes(data)).notes == []
    flags = data.index(b"av1C") + 6
    for bits, flag in ((10, 0x40), (12, 0x60)):
        data[flags] = data[flags] & 0x9F | flag
        assert open_avif(bytes(data)).notes == [f"it has {bits} bits: read at 8 bits"]


def digital_negative(path: Path, orientation: int = 1) -> Path:
    """A raw image of a gray scene: all colour sites receive the same share of light."""
    bayer = np.full((64, 96), 16000, np.uint16)
    bayer[:, 48:] = 48000
    identity = [(1, 1), (0, 1), (0, 1), (0, 1), (1, 1), (0, 1), (0, 1), (0, 1), (1, 1)]
    tags = [
        (274, 3, 1, orientation, True),
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50708, 2, 5, "test", True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, (0, 1, 1, 2), True),
        (50721, 10, 9, tuple(number for pair in identity for number in pair), True),
        (50728, 5, 3, (1, 1, 1, 1, 1, 1), True),
        (50778, 3, 1, 21, True),
        (50717, 4, 1, 65535, True),
    ]
    tifffile.imwrite(path, bayer, photometric=32803, extratags=tags, metadata=None)
    return path


def test_camera_raw_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    for name in ("a.dng", "named_otherwise.tif"):
        image = read_image(digital_negative(tmp_path / name))
        assert (image.height, image.width, image.bit_depth) == (64, 96, 16)
        dark, bright = image.gray()[0, 8:-8, 8:40].mean(), image.gray()[0, 8:-8, 56:-8].mean()
        assert 0.1 < dark < bright - 0.15
        assert "LibRaw" in image.reading.facts["developed"]


def test_ignored_files_are_counted_with_the_missing_extra() -> None:
    assert ignored_text({".txt": 20, ".heic": 480}) == (
        "ignored 500 files: 480 .heic (pip install 'ir-transfer[heif]'), 20 .txt"
    )
    assert ignored_text({"": 1, ".nef": 1}) == (
        "ignored 2 files: 1 without a suffix, 1 .nef (pip install 'ir-transfer[raw]')"
    )
    assert ignored_text({}) == ""
    assert is_image_name(Path("a.AVIF"))


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_without_end_marker_is_accepted_only_if_complete(progressive: bool) -> None:
    whole = saved(STREET, "JPEG", quality=95, progressive=progressive)
    complete = decode_image(whole, "x").levels
    for cut in (1, 2):
        image = decode_image(whole[:-cut], "x")
        np.testing.assert_array_equal(image.levels, complete)
        assert image.reading.notes == ["its end marker is missing; all of its pixels are present"]
    for cut in (12, 40, len(whole) // 3):
        with pytest.raises(DecodeError, match="damaged"):
            decode_image(whole[:-cut], "x")


def test_progressive_jpeg_without_its_last_scan_is_rejected() -> None:
    whole = saved(STREET, "JPEG", quality=95, progressive=True)
    last = whole.rindex(b"\xff\xda")
    table = whole.rindex(b"\xff\xc4", 0, last)
    assert open_jpeg(whole[:table]).notes == []
    with pytest.raises(DecodeError, match="damaged"):
        decode_image(whole[:table], "x")


@pytest.mark.parametrize("data", [png_with(STREET, (b"cICP", bytes([9, 16, 0, 1]))), avif(STREET, 9, 16)])
def test_high_dynamic_range_is_rejected(data: bytes) -> None:
    with pytest.raises(InputError, match=r"x: expected levels of standard dynamic range, got PQ: export it as sRGB"):
        decode_image(data, "x")


def test_a_profile_counts_before_code_points_of_an_avif() -> None:
    data = avif(STREET, 9, 16, icc_profile=srgb_profile())
    np.testing.assert_allclose(decode_image(data, "x").levels.astype(int), STREET.transpose(2, 0, 1), atol=4)


def photographed(kind: str) -> bytes:
    exif = Exif()
    exif[274] = 6
    exif[271] = "a maker"
    exif.get_ifd(34665)[36867] = "2026:05:04 03:02:01"
    exif.get_ifd(34853)[1] = "N"
    exif.get_ifd(34853)[2] = (48.0, 7.0, 30.5)
    if kind == "TIFF":  # Pillow writes no such directories into a compressed one
        return with_exif(saved(STREET, "TIFF"), exif.tobytes().removeprefix(EXIF_HEADER))
    return saved(STREET, kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("format_", ["png", "tiff"])
def test_only_location_and_time_metadata_are_kept(kind: str, format_: str) -> None:
    decoded = decode_image(photographed(kind), "x")
    result = encode_gray(GRAY, format_, exif=decoded.reading.kept_exif)  # type: ignore[arg-type]
    with Image.open(io.BytesIO(result)) as image:
        exif = image.getexif()
        assert exif.get_ifd(34853) == {1: "N", 2: (48.0, 7.0, 30.5)}
        assert exif.get_ifd(34665)[36867] == "2026:05:04 03:02:01"
        assert exif.get(274, 1) == 1
        assert 271 not in exif
    np.testing.assert_array_equal(decode_image(result, "x").levels[0], GRAY)
