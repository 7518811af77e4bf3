from __future__ import annotations

import numpy as np

from ir_transfer.conversion.tiles.io import ArraySink, ImageSource
from ir_transfer.imaging.image_io import DecodedImage


def test_image_is_read_in_windows() -> None:
    levels = np.arange(3 * 20 * 30, dtype=np.uint16).reshape(3, 20, 30)
    source = ImageSource(DecodedImage(levels, 65535.0, ""))
    assert (source.height, source.width) == (20, 30)
    pixels, valid = source.read(2, 5, 9, 30)
    assert valid is None
    np.testing.assert_array_equal(pixels, levels[:, 2:9, 5:30].astype(np.float32) / np.float32(65535))
    gray = ImageSource(DecodedImage(levels[:1], 65535.0, ""))
    assert gray.read(0, 0, 4, 4)[0].shape == (3, 4, 4)


def test_written_windows_form_the_image() -> None:
    sink = ArraySink(4, 6)
    sink.write(1, 2, np.ones((2, 3), np.float32), None)
    assert not sink.has(1, 2, 3, 5)
    assert sink.intensity.sum() == sink.intensity[1:3, 2:5].sum() == 6
