"""Where tiles come from and where they go: what an image of any size must offer, and images in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.image_io import DecodedImage

Pixels = NDArray[np.float32]
Valid = NDArray[np.bool_]


class Source(Protocol):
    """An image that is read by boxes, from one thread at a time."""

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[Pixels, Valid | None]:
        """Return float sRGB (3, h, w) in [0, 1] of a box, and which pixels (h, w) are valid; None if all are.

        Pixels that are not valid hold a value too: the network sees it beside the others, though it never counts.
        """


class Sink(Protocol):
    """Takes intensities by boxes."""

    def has(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        """Return whether this very box has been written already, by this run or an earlier one."""

    def write(self, y0: int, x0: int, intensity: Pixels, valid: Valid | None) -> None:
        """Take the intensity (h, w) in [0, 1] of the box at this corner; ``valid`` is as it was read."""


class ImageSource:
    """A decoded image as a source; its levels become floats only where they are read."""

    def __init__(self, image: DecodedImage) -> None:
        self.image = image
        self.height = image.height
        self.width = image.width

    def read(self, y0: int, x0: int, y1: int, x1: int) -> tuple[Pixels, Valid | None]:
        """Return a box as RGB (3, h, w) in [0, 1], and its valid pixels (h, w); None where all are."""
        box = replace(self.image, levels=self.image.levels[:, y0:y1, x0:x1], alpha=None)
        valid = self.image.valid
        return box.rgb(), None if valid is None else valid[y0:y1, x0:x1]


class ArraySink:
    """An intensity (H, W) in memory as a sink.

    Attributes:
        intensity: What was written.
    """

    def __init__(self, height: int, width: int) -> None:
        self.intensity: Pixels = np.zeros((height, width), np.float32)

    def has(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        """Return no: nothing outlives a run."""
        return False

    def write(self, y0: int, x0: int, intensity: Pixels, valid: Valid | None) -> None:
        """Keep a box."""
        height, width = intensity.shape
        self.intensity[y0 : y0 + height, x0 : x0 + width] = intensity
