from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.devices import content_on, has_known_range, nearest_levels
from ir_transfer.conversion.pending import PendingResults
from ir_transfer.imaging.image_io import BitDepth, DecodedImage, to_levels

CPU = torch.device("cpu")


def all_levels(dtype: type[np.uint8 | np.uint16], channels: int) -> NDArray[np.uint8 | np.uint16]:
    """Every level of a type, in a different order in each channel."""
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(16, -1)
    return np.stack([np.roll(levels, 7 * channel) for channel in range(channels)])


def images(*, channels: int = 3) -> dict[str, DecodedImage]:
    unit = np.random.default_rng(0).random((channels, 16, 16), dtype=np.float32)
    return {
        "uint8": DecodedImage(all_levels(np.uint8, channels), 255.0, ""),
        "uint16": DecodedImage(all_levels(np.uint16, channels), 65535.0, ""),
        "12 bits": DecodedImage((all_levels(np.uint16, channels) >> 4).astype(np.uint16), 4095.0, ""),
        "big-endian": DecodedImage(all_levels(np.uint16, channels).astype(">u2"), 65535.0, ""),
        "float": DecodedImage(unit, 1.0, ""),
        "turned": DecodedImage(all_levels(np.uint8, channels)[:, ::-1, ::-1], 255.0, ""),
    }


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", list(images()))
def test_levels_on_the_device_equal_rgb_floats(kind: str, channels: int) -> None:
    image = images(channels=channels)[kind]
    content = content_on(CPU, [image, image])
    assert content.shape == (2, 3, image.height, image.width)
    assert content.is_contiguous(memory_format=torch.channels_last)
    for one in content:
        np.testing.assert_array_equal(one.numpy(), image.rgb())


def test_images_of_different_kinds_share_a_batch() -> None:
    gray = DecodedImage(all_levels(np.uint8, 1), 255.0, "")
    fine = DecodedImage((all_levels(np.uint8, 3).astype(np.uint16) * 257)[:, ::-1], 65535.0, "")
    content = content_on(CPU, [gray, fine])
    np.testing.assert_array_equal(content.numpy(), np.stack([gray.rgb(), fine.rgb()]))


def test_range_is_known_if_white_is_the_largest_level() -> None:
    known = {kind: has_known_range(image) for kind, image in images().items()}
    assert known == {
        "uint8": True, "uint16": True, "12 bits": False, "big-endian": True, "float": False, "turned": True
    }  # fmt: skip


def critical(bit_depth: BitDepth) -> NDArray[np.float32]:
    """Every level, every boundary between two levels with its neighbouring floats, and values out of range."""
    white = 2**bit_depth - 1
    borders = (np.arange(2 * white + 1) / (2 * white)).astype(np.float32)
    around = [borders, np.nextafter(borders, np.float32(-1)), np.nextafter(borders, np.float32(2))]
    return np.concatenate([*around, np.array([-0.5, 1.5], np.float32)])


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_nearest_levels_equal_to_levels(bit_depth: BitDepth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_transfer.conversion.devices._QUANTISED_AT_ONCE", 1000)
    given = critical(bit_depth)
    found = nearest_levels(torch.from_numpy(given)[None, None], bit_depth).numpy()
    assert found.shape == (1, 1, len(given))
    expected = to_levels(given, bit_depth)
    np.testing.assert_array_equal(found.view(expected.dtype)[0, 0], expected)


def test_non_finite_result_becomes_an_intensity() -> None:
    intensity = torch.rand(3, 16, 20, generator=torch.Generator().manual_seed(0))
    intensity[1, 3, 4], intensity[2, 0, 0] = float("nan"), float("inf")
    launched = PendingResults(CPU)
    launched.add(intensity, 8)
    launched.add(intensity[:1], 16)
    first, second, third, fine = launched.results()
    np.testing.assert_array_equal(first, to_levels(intensity[0].numpy(), 8))
    np.testing.assert_array_equal(second, intensity[1].numpy())
    np.testing.assert_array_equal(third, intensity[2].numpy())
    np.testing.assert_array_equal(fine, to_levels(intensity[0].numpy(), 16))
    assert fine.dtype == np.uint16


def test_available_results_keep_their_time() -> None:
    result = np.zeros((16, 16), np.float32)
    launched = PendingResults.of([result], 1.5)
    assert launched.done()
    assert launched.results()[0] is result
    assert launched.seconds() == pytest.approx(1.5)
