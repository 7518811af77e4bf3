from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import COMPRESSIONS, Compression, Format, encode_gray
from ir_transfer.imaging.image_io import OutputLevels, decode_image
from tests.conftest import thermal

EVERY = [(format_, bits, name) for format_ in ("png", "tiff") for bits in (8, 16) for name in COMPRESSIONS]


def smooth(bits: int, height: int = 96, width: int = 131) -> OutputLevels:
    levels: NDArray[np.uint8] = thermal(height, width)
    return levels if bits == 8 else (257 * levels.astype(np.uint32) + np.arange(width) % 200).astype(np.uint16)


def opened(data: bytes) -> tuple[NDArray[Any], Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image), image


@pytest.mark.parametrize(("format_", "bits", "name"), EVERY)
@pytest.mark.parametrize("size", [(96, 131), (1, 1), (1, 40), (33, 1), (300, 1700)])
def test_every_level_round_trips(format_: Format, bits: int, name: Compression, size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    levels = cast("OutputLevels", random.integers(0, 2**bits, size).astype(f"uint{bits}"))
    kept = levels.copy()
    data = encode_gray(levels, format_, compression=name)
    np.testing.assert_array_equal(levels, kept)  # the input is left as it was
    found, _ = opened(data)
    np.testing.assert_array_equal(found, levels)
    np.testing.assert_array_equal(decode_image(data, "x").levels[0], levels)
    with rasterio.MemoryFile(data) as memory, memory.open() as file:
        assert file.dtypes == (f"uint{bits}",)
        np.testing.assert_array_equal(file.read(1), levels)
    assert encode_gray(levels, format_, compression=name) == data


@pytest.mark.parametrize("format_", ["png", "tiff"])
@pytest.mark.parametrize("bits", [8, 16])
def test_file_size_order_is_small_fast_none(format_: Format, bits: int) -> None:
    def sizes(levels: OutputLevels) -> list[int]:
        return [len(encode_gray(levels, format_, compression=name)) for name in ("small", "fast", "none")]

    noise = np.random.default_rng(0).integers(0, 2 ** (bits - 5), (96, 131))
    noisy = sizes((smooth(bits) // 2 + noise).astype(smooth(bits).dtype))
    assert noisy[0] <= noisy[1] < noisy[2]
    assert bits == 16 or noisy[0] < noisy[1]  # the low bits of 16 are noise for every encoder
    repeated = sizes(np.tile(smooth(bits), (2, 3)))  # where longer matches pay
    assert repeated[0] <= repeated[1] < repeated[2]
    assert repeated[2] >= 6 * smooth(bits).nbytes


@pytest.mark.parametrize(("format_", "bits", "name"), EVERY)
def test_nodata_and_georeferencing_are_kept(format_: Format, bits: int, name: Compression) -> None:
    block = Image.Exif()
    block[306] = "2024:01:02 03:04:05"
    data = encode_gray(smooth(bits), format_, nodata=7, exif=block.tobytes()[6:], compression=name)
    found, image = opened(data)
    np.testing.assert_array_equal(found, smooth(bits))
    assert image.getexif()[306] == "2024:01:02 03:04:05"
    if format_ == "png":
        assert image.info["transparency"] == 7
    else:
        assert image.tag_v2[42113] == "7"


@pytest.mark.parametrize(("name", "tag"), [("fast", 8), ("small", 8), ("none", 1)])
def test_file_records_its_compression(name: Compression, tag: int) -> None:
    _, image = opened(encode_gray(smooth(16), "tiff", compression=name))
    assert image.tag_v2[259] == tag
    assert image.tag_v2[317] == (1 if name == "none" else 2)


def test_unknown_compression_is_rejected() -> None:
    with pytest.raises(InputError, match="--compression to be one of fast, small, none, got 'zip'"):
        encode_gray(smooth(8), compression=cast("Compression", "zip"))
