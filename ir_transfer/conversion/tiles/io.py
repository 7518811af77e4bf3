"""Sources that tiles are read from and sinks that they are written to: protocols, and images in memory."""

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.image_io import DecodedImage

Pixels = NDArray[np.float32]
Valid = NDArray[np.bool_]


class Source(Protocol):
    """An image that is read in windows, from one thread at a time."""

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[Pixels, Valid | None]:
        """Return float sRGB (3, h, w) in [0, 1] of a window, and its valid pixels (h, w); None if all are valid.

        Invalid pixels have a fill value: the network reads it as context, but it is in no statistics.
        """


class Sink(Protocol):
    """A result that is written in windows."""

    def has(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        """Return whether exactly this window has been written, by this run or an earlier one."""

    def write(self, y0: int, x0: int, intensity: Pixels, valid: Valid | None) -> None:
        """Write the intensity (h, w) in [0, 1] of the window at this corner, with its valid pixels as read."""


class ImageSource:
    """A decoded image as a source; levels are converted to floats window by window."""

    def __init__(self, image: DecodedImage) -> None:
        self.image = image
        self.height = image.height
        self.width = image.width

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[Pixels, Valid | None]:
        """Return a window as RGB (3, h, w) in [0, 1], and its valid pixels (h, w); None if all are valid."""
        window = replace(self.image, levels=self.image.levels[:, y0:y1, x0:x1], alpha=None)
        valid = self.image.valid
        return window.rgb(), None if valid is None else valid[y0:y1, x0:x1]


class ArraySink:
    """An intensity (H, W) in memory as a sink.

    Attributes:
        intensity: The array, 0 where nothing was written.
    """

    def __init__(self, height: int, width: int) -> None:
        self.intensity: Pixels = np.zeros((height, width), np.float32)

    def has(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        """Return False, since nothing is kept from earlier runs."""
        return False

    def write(self, y0: int, x0: int, intensity: Pixels, valid: Valid | None) -> None:
        """Copy the intensity (h, w) of a window into the array."""
        height, width = intensity.shape
        self.intensity[y0 : y0 + height, x0 : x0 + width] = intensity
