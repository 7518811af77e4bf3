"""Headers agree with the decoder: size, orientation, bytes per level and number of images."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif

from ir_transfer.conversion.engine.budget import Size, size_of
from ir_transfer.errors import DecodeError
from ir_transfer.imaging.header import count_images, read_header
from ir_transfer.imaging.image_io import decode_image, read_image
from ir_transfer.imaging.pixels.kinds import Wanted
from tests.imaging.pixels.kinds import COLOUR_FILES, COLOUR_TIFFS, GRAY_TIFFS, STREET, png_with, saved, stored_for
from tests.imaging.pixels.test_formats import digital_negative
from tests.imaging.pixels.test_pages import pages, several

FILES = {**COLOUR_FILES, **COLOUR_TIFFS, **GRAY_TIFFS}


@pytest.mark.parametrize("kind", FILES)
def test_header_size_equals_decoded_size(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(FILES[kind])
    decoded = decode_image(FILES[kind], "x")
    header = read_header(path)
    assert header.upright == (decoded.height, decoded.width)
    assert header.orientation == decoded.reading.facts.get("orientation", 1)
    stored = np.dtype(np.float32 if kind == "float" else np.uint16 if kind.startswith("16 bit") else np.uint8)
    assert header.itemsize == stored.itemsize
    assert header.images == 1
    assert size_of(path) == Size(decoded.height, decoded.width, stored.itemsize, len(FILES[kind]))


def turned(kind: str, orientation: int) -> bytes:
    exif = Exif()
    exif[274] = orientation
    return saved(stored_for(STREET, orientation), kind, exif=exif)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 7])
def test_header_orientation_equals_the_applied_one(kind: str, orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(turned(kind, orientation))
    header = read_header(path)
    assert header.orientation == orientation
    assert header.stored == stored_for(STREET, orientation).shape[:2]
    assert header.upright == STREET.shape[:2]
    assert read_image(path).levels.shape[1:] == STREET.shape[:2]


def behind_the_pixels(data: bytes) -> bytes:
    """Move the EXIF of a PNG after its pixels, which the specification allows."""
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    return data[:start] + data[end:-12] + data[start:end] + data[-12:]


def with_xmp(data: bytes) -> bytes:
    text = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    return data[:2] + b"\xff\xe1" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


@pytest.mark.parametrize(
    "data",
    [
        behind_the_pixels(turned("PNG", 6)),
        png_with(stored_for(STREET, 6), (b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>')),
        with_xmp(saved(stored_for(STREET, 6), "JPEG")),
    ],
    ids=["EXIF behind the pixels", "XMP in PNG", "XMP in JPEG"],
)
def test_orientation_is_found_in_all_metadata_blocks(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    assert read_header(path).orientation == decode_image(data, "x").reading.facts["orientation"] == 6


@pytest.mark.parametrize(("orientation", "upright"), [(1, (64, 96)), (3, (64, 96)), (6, (96, 64))])
def test_camera_raw_size_is_that_of_the_developed_image(
    orientation: int, upright: tuple[int, int], tmp_path: Path
) -> None:
    pytest.importorskip("rawpy")
    path = digital_negative(tmp_path / "a.dng", orientation)
    assert read_image(path).levels.shape[1:] == upright
    header = read_header(path)
    assert (header.upright, header.itemsize) == (upright, 2)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "MPO"])
def test_size_is_that_of_the_selected_page(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    larger = np.pad(STREET, ((0, 4), (0, 6), (0, 0)))
    data = pages(STREET[::3, ::3], STREET, larger) if kind == "TIFF" else several(kind)
    path.write_bytes(data)
    assert count_images(str(path)) == 2
    for page in (None, 1, 2):
        image = decode_image(data, "x", wanted=Wanted(page=page))
        assert read_header(path, page).upright == (image.height, image.width)
        size = size_of(path, page)
        assert size is not None
        assert (size.height, size.width) == (image.height, image.width)
    with pytest.raises(DecodeError):
        read_header(path, 3)
    assert size_of(path, 3) is None


class Counted(io.BytesIO):
    """A file that counts the bytes read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_reading_a_header_reads_no_pixels(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    file = Counted(saved(noise, kind))
    monkeypatch.setattr("ir_transfer.imaging.header.open_stored", lambda path: file)
    assert len(file.getvalue()) > 2**18
    assert read_header(Path("a.bin")).stored == (600, 800)
    assert file.taken <= 2**16 + 512


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP"])
def test_damaged_header_is_an_error(kind: str, tmp_path: Path) -> None:
    path, data = tmp_path / "a.bin", saved(STREET, kind)
    for cut in (0, 1, 3, 12, 20):
        path.write_bytes(data[:cut])
        with pytest.raises(DecodeError, match=r"a\.bin"):
            read_header(path)
        assert size_of(path) is None
        assert count_images(str(path)) == 1


def test_image_beyond_the_decoder_limit_has_a_size(tmp_path: Path) -> None:
    """The limit applies to decoded pixels, not to headers."""
    path = tmp_path / "a.png"
    small = saved(STREET, "PNG")
    fields = b"IHDR" + struct.pack(">II", 20_000, 20_000) + small[24:29]
    path.write_bytes(small[:12] + fields + struct.pack(">I", zlib.crc32(fields)) + small[33:])
    assert read_header(path).stored == (20_000, 20_000)
    assert Image.MAX_IMAGE_PIXELS is not None
    assert Image.MAX_IMAGE_PIXELS * 2 < 20_000**2
