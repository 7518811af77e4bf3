"""Times every --compression of PNG and TIFF files and common encoders, and measures the file sizes.

All encoders take turns in every round, in one thread, on the same levels, and are timed by the processor's clock.
The levels are infrared images of a folder, reduced to a side, at 8 bit, and at 16 bit with the noise of a sensor in the
low bits. Example:

    python scripts/benchmark_compression.py infrared/ --side 512
"""

from __future__ import annotations

import argparse
import io
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from isal import isal_zlib
from PIL import Image

from ir_transfer.conversion.inputs import expand
from ir_transfer.imaging.encode import COMPRESSIONS, encode_gray
from ir_transfer.imaging.image_io import OutputLevels, read_image

_NOISE = 40.0  # levels of 65,535, as an uncooled camera has
Encoder = Callable[[OutputLevels], bytes]


def _pillow(kind: str, **options: object) -> Encoder:
    def encode(levels: OutputLevels) -> bytes:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, kind, **options)
        return file.getvalue()

    return encode


def _opencv(*options: int) -> Encoder:
    return lambda levels: cv2.imencode(".png", levels, options)[1].tobytes()


def _filtered(compress: Callable[[bytes], bytes]) -> Encoder:
    """Return what compresses rows as the fast PNG has them, without a file around it."""

    def encode(levels: OutputLevels) -> bytes:
        rows = levels.astype(levels.dtype.newbyteorder(">")).view(np.uint8).copy()
        rows[1:] -= rows[:-1].copy()
        return compress(rows.tobytes())

    return encode


def _run_lengths(data: bytes) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    return compressor.compress(data) + compressor.flush()


def encoders() -> dict[str, Encoder]:
    """Return the encoders by name."""
    ours: dict[str, Encoder] = {
        f"{kind} --compression {name}": lambda levels, kind=kind, name=name: encode_gray(levels, kind, compression=name)
        for kind in ("png", "tiff")
        for name in COMPRESSIONS
    }
    return ours | {
        "png, Pillow": _pillow("PNG"),
        "png, OpenCV": _opencv(),
        "png, OpenCV, run lengths": _opencv(cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, 3),
        "tiff, Pillow, Deflate": _pillow("TIFF", compression="tiff_deflate"),
        "tiff, Pillow, LZW": _pillow("TIFF", compression="tiff_lzw"),
        "differences, zlib run lengths": _filtered(_run_lengths),
        **{
            f"differences, isal level {level}": _filtered(lambda data, level=level: isal_zlib.compress(data, level))
            for level in range(4)
        },
    }


def _levels(path: Path, side: int, bits: int, random: np.random.Generator) -> OutputLevels:
    gray = cv2.resize(read_image(path).gray()[0], (side, side), interpolation=cv2.INTER_AREA)
    if bits == 8:
        return np.round(255 * gray).astype(np.uint8)
    return np.clip(np.round(65535 * gray + random.normal(0, _NOISE, gray.shape)), 0, 65535).astype(np.uint16)


def measure(paths: list[Path], side: int, bits: int, rounds: int) -> list[tuple[str, float, float]]:
    """Return name, milliseconds an image and kilobytes an image of every encoder."""
    random = np.random.default_rng(0)
    images = [_levels(path, side, bits, random) for path in paths]
    found = encoders()
    seconds: dict[str, list[float]] = {name: [] for name in found}
    sizes: dict[str, int] = dict.fromkeys(found, 0)
    for _ in range(rounds):
        for levels in images:
            for name, encode in found.items():
                start = time.thread_time()
                data = encode(levels)
                seconds[name].append(time.thread_time() - start)
                sizes[name] += len(data)
    return [(name, 1e3 * median(seconds[name]), sizes[name] / rounds / len(images) / 1e3) for name in found]


def main() -> None:
    """Print a Markdown table for each bit depth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="infrared images")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    found = [one.source for one in expand([asked.folder])]
    paths = found[:: max(1, len(found) // asked.images)][: asked.images]
    for bits in (8, 16):
        print(f"\n{bits} bit, {asked.side} x {asked.side}, {len(paths)} images, one thread\n")
        print("| encoder | ms an image | kB an image | times as fast as png small | size, png small = 1 |")
        print("|---|---|---|---|---|")
        rows = measure(paths, asked.side, bits, asked.rounds)
        _, reference, size = next(row for row in rows if row[0] == "png --compression small")
        for name, milliseconds, kilobytes in rows:
            ratios = f"{reference / milliseconds:.1f} | {kilobytes / size:.3f}"
            print(f"| {name} | {milliseconds:.2f} | {kilobytes:.1f} | {ratios} |")


if __name__ == "__main__":
    main()
