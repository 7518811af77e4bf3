"""Intact images with unusual, damaged or truncated metadata are read upright."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_io import decode_image, read_image
from tests.conftest import photograph

RGB = photograph(48, 64, 3)
TURNED = np.rot90(RGB, -1)  # by orientation 6
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:title="Stra\xdfe"/></x:xmpmeta>'


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, kind, **({"lossless": True} if kind == "WEBP" else {"quality": 100}))
    return file.getvalue()


def pixels(data: bytes) -> NDArray[Any]:
    return decode_image(data, "x").levels.transpose(1, 2, 0)


PNG, JPEG = saved("PNG"), saved("JPEG")
DECODED = pixels(JPEG)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(kind: bytes, body: bytes) -> bytes:
    return PNG[:33] + chunk(kind, body) + PNG[33:]


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    added = (bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments)
    return JPEG[:2] + b"".join(added) + JPEG[2:]


def webp_with(*chunks: tuple[bytes, bytes], flags: int = 0x08) -> bytes:
    plain = saved("WEBP")
    size = bytes([flags, 0, 0, 0, 63, 0, 0, 47, 0, 0])
    both = [(b"VP8X", size), (plain[12:16], plain[20:]), *chunks]
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(b)) + b + bytes(len(b) % 2) for k, b in both)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(*entries: tuple[int, int, int, bytes], following: int = 0) -> bytes:
    packed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + struct.pack("<I", following)


def number(value: int) -> bytes:
    return struct.pack("<I", value)


ORIENTED = (0x112, 3, 1, number(6))
BLOCKS = {
    "cyclic": exif(ORIENTED, following=8),
    "cyclic_blocks": exif(ORIENTED, (0x8769, 4, 1, number(8)), (0x8825, 4, 1, number(8))),
    "long": exif((0x112, 4, 1, number(6))),
    "byte": exif((0x112, 1, 1, number(6))),
    "two_values": exif((0x112, 3, 2, struct.pack("<HH", 6, 6))),
    "huge_count": exif(ORIENTED, (0x10F, 2, 2**31, number(4))),
    "beyond_the_end": exif(ORIENTED, (0x10F, 2, 200, number(2**31))),
    "unknown_type": exif(ORIENTED, (0x9998, 99, 7, number(3))),
    "gps_of_text": exif(ORIENTED, (0x8825, 2, 4, b"abcd")),
}


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.filterwarnings("error")
def test_orientation_is_applied_despite_malformed_exif(kind: str, block: str, tmp_path: Path) -> None:
    data = {
        "png": png_with(b"eXIf", BLOCKS[block]),
        "jpeg": jpeg_with((0xE1, b"Exif\0\0" + BLOCKS[block])),
        "webp": webp_with((b"EXIF", BLOCKS[block])),
    }[kind]
    np.testing.assert_array_equal(pixels(data), np.rot90(DECODED, -1) if kind == "jpeg" else TURNED)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    assert read_header(path).upright == (64, 48)


@pytest.mark.parametrize("coding", ["utf-8", "latin-1", "utf-16", "utf-32"])
def test_orientation_in_xmp_is_applied_in_any_encoding(coding: str) -> None:
    packet = XMP.encode(coding)
    jpeg = jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))
    np.testing.assert_array_equal(pixels(jpeg), np.rot90(DECODED, -1))
    np.testing.assert_array_equal(pixels(webp_with((b"XMP ", packet), flags=0x04)), TURNED)
    for flag, text in ((b"\0\0", packet), (b"\1\0", zlib.compress(packet))):
        data = png_with(b"iTXt", b"XML:com.adobe.xmp\0" + flag + b"\0\0" + text)
        np.testing.assert_array_equal(pixels(data), TURNED)


WEBP_WITH_EXIF = webp_with((b"EXIF", BLOCKS["long"] + bytes(100)))
GOOD = {
    "png_transparency_of_wrong_length": png_with(b"tRNS", b"\0\1"),
    "png_text_of_80_MB": png_with(b"tEXt", b"Comment\0" + bytes(80 * 2**20)),
    "png_text_that_unpacks_to_300_MB": png_with(b"zTXt", b"C\0\0" + zlib.compress(bytes(300 * 2**20), 1)),
    "png_damaged_text": png_with(b"zTXt", b"Comment\0\0garbage"),
    "webp_unknown_chunk": webp_with((b"ABCD", b"odd"), flags=0),
    "webp_profile_of_garbage": webp_with((b"ICCP", b"garbage"), flags=0x20),
    "webp_flag_without_exif": webp_with(),
}


@pytest.mark.parametrize("name", GOOD)
def test_unusual_metadata_does_not_affect_pixels(name: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(pixels(GOOD[name]), RGB)
    path = tmp_path / "a.bin"
    path.write_bytes(GOOD[name])
    assert read_header(path).upright == (48, 64)


@pytest.mark.parametrize("cut", [60, 100, 110])
def test_webp_truncated_in_its_exif_is_decoded(cut: int, tmp_path: Path) -> None:
    data = WEBP_WITH_EXIF[:-cut]
    (tmp_path / "a.webp").write_bytes(data)
    expected = TURNED if cut <= 100 else RGB  # the block itself has 26 bytes
    np.testing.assert_array_equal(pixels(data), expected)
    assert read_header(tmp_path / "a.webp").upright == expected.shape[:2]
    with pytest.raises(DecodeError):
        pixels(saved("WEBP")[:-200])


def test_short_adobe_segment_of_a_jpeg_is_ignored() -> None:
    np.testing.assert_array_equal(pixels(jpeg_with((0xEE, b"Adobe"))), DECODED)


def tiff_with_unknown_type(file: Path) -> bytes:
    tifffile.imwrite(file, RGB, photometric="rgb", metadata=None, extratags=[(65000, 7, 5, b"abcde", True)])
    data = bytearray(file.read_bytes())
    place = data.index(struct.pack("<HH", 65000, 7))
    data[place + 2 : place + 4] = struct.pack("<H", 77)
    return bytes(data)


def tiff_with_lost_page(file: Path) -> bytes:
    tifffile.imwrite(file, RGB, photometric="rgb", metadata=None)
    data = bytearray(file.read_bytes())
    start = struct.unpack("<I", data[4:8])[0]
    end = start + 2 + 12 * struct.unpack("<H", data[start : start + 2])[0]
    data[end : end + 4] = number(2**31)
    return bytes(data)


@pytest.mark.parametrize("make", [tiff_with_unknown_type, tiff_with_lost_page])
def test_tiff_content_unknown_to_gdal_does_not_affect_pixels(make: object, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(make(path))  # type: ignore[operator]
    image = read_image(path)
    np.testing.assert_array_equal(image.levels.transpose(1, 2, 0), RGB)
    assert ("a further page of it cannot be read" in str(image.reading.notes)) == (make is tiff_with_lost_page)
