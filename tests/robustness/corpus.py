"""Damaged images and labels of many kinds, reproducible by seed."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.random import Generator
from PIL import Image

from tests.conftest import photograph

SUFFIXES = (".png", ".jpg", ".tif", ".bmp", ".webp")
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".bmp": "BMP", ".webp": "WEBP"}


def encoded(suffix: str, seed: int) -> bytes:
    """An intact image of 24 x 32 pixels."""
    file = io.BytesIO()
    Image.fromarray(photograph(24, 32, seed)).save(file, _FORMATS[suffix])
    return file.getvalue()


def flipped(data: bytes, draw: Generator) -> bytes:
    """Some bits flipped."""
    damaged = bytearray(data)
    for _ in range(int(draw.integers(1, 30))):
        damaged[int(draw.integers(len(damaged)))] ^= 1 << int(draw.integers(8))
    return bytes(damaged)


def truncated(data: bytes, draw: Generator) -> bytes:
    """A prefix, possibly empty."""
    return data[: int(draw.integers(len(data)))]


def wrong_header(data: bytes, draw: Generator) -> bytes:
    """The signature of another file type."""
    magic = (
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"II*\0",
        b"MM\0+",
        b"BM",
        b"RIFF\xff\xff\xff\xffWEBP",
        b"GIF89a",
    )
    start = magic[int(draw.integers(len(magic)))]
    return start + data[len(start) :]


def spliced(data: bytes, draw: Generator) -> bytes:
    """A section replaced by noise."""
    start = int(draw.integers(len(data)))
    noise = draw.bytes(int(draw.integers(1, 200)))
    return data[:start] + noise + data[start + len(noise) :]


def declared_huge(_data: bytes, draw: Generator) -> bytes:
    """A PNG, BMP or TIFF that declares a size beyond any memory."""
    side = int(draw.integers(2**16, 2**31 - 1))
    kind = int(draw.integers(3))
    if kind == 0:
        png = encoded(".png", 0)
        body = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
        return png[:8] + png[8:12] + body + struct.pack(">I", zlib.crc32(body)) + png[33:]
    if kind == 1:
        bmp = bytearray(encoded(".bmp", 0))
        bmp[18:26] = struct.pack("<ii", side, side)
        return bytes(bmp)
    tiff = bytearray(encoded(".tif", 0))
    directory = struct.unpack("<I", tiff[4:8])[0]
    for entry in range(struct.unpack("<H", tiff[directory : directory + 2])[0]):
        at = directory + 2 + 12 * entry
        if struct.unpack("<H", tiff[at : at + 2])[0] in {256, 257}:
            tiff[at + 2 : at + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(tiff)


def not_finite(_data: bytes, draw: Generator) -> bytes:
    """A float TIFF with NaN, infinity or values far outside of [0, 1]."""
    levels = photograph(24, 32, 0).astype(np.float32) / np.float32(255)
    values = np.array([np.nan, np.inf, -np.inf, 1e30, -5], np.float32)
    levels[tuple(draw.integers(0, (24, 32, 3), (20, 3)).T)] = values[draw.integers(len(values), size=20)]
    file = io.BytesIO()
    tifffile.imwrite(file, levels, photometric="rgb")
    return file.getvalue()


DAMAGE: tuple[Callable[[bytes, Generator], bytes], ...] = (
    flipped,
    truncated,
    wrong_header,
    spliced,
    declared_huge,
    not_finite,
)

_NAMES = (
    " leading and trailing ",
    "new\nline",
    "tab\tand\x07bell",
    "Überraschung",
    "日本語",
    "a'b\"c$(d)`e`",
    "-rf",
    "%s%n",
    "🔥",
)


def name_for(number: int, draw: Generator) -> str:
    """A valid but unusual stem: spaces, control characters, Unicode, maximum length."""
    kind = int(draw.integers(len(_NAMES) + 8))
    stem = f"{number:05}"
    if kind < len(_NAMES):
        return f"{_NAMES[kind]}{stem}"
    return stem + "x" * (250 - len(stem)) if kind == len(_NAMES) else stem


def write_images(folder: Path, count: int, seed: int) -> tuple[set[Path], set[Path]]:
    """Write ``count`` images, a tenth of them intact, and broken and circular links.

    Returns:
        The intact ones, and all files with image names.
    """
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    whole: set[Path] = set()
    everything: set[Path] = set()
    for number in range(count):
        suffix = SUFFIXES[number % len(SUFFIXES)]
        path = folder / f"d{number % 7}" / f"{name_for(number, draw)}{suffix}"
        path.parent.mkdir(exist_ok=True)
        data = encoded(suffix, number % 11)
        if number % 10:
            data = DAMAGE[int(draw.integers(len(DAMAGE)))](data, draw)
        else:
            whole.add(path)
        path.write_bytes(data)
        everything.add(path)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "d0" / "up").symlink_to("..", target_is_directory=True)
    for name, target in (("self.png", "self.png"), ("nowhere.png", "missing.png")):
        (folder / name).symlink_to(target)
        everything.add(folder / name)
    os.mkfifo(folder / "pipe.png")
    everything.add(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    return whole, everything
