"""How alike the contents of an RGB image and of an infrared exemplar are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

from ir_transfer.imaging.image_io import DecodedImage

_SIDE, _CELL = 64, 8


class Likeness:
    """Ranks exemplars by what they show, not by how bright it is.

    Histograms of oriented gradients (Dalal and Triggs 2005) over 8 x 8 cells; the orientation has no sign, so that a
    bright object on dark ground is like a dark one on bright ground.

    Args:
        exemplars: Each (h, w) in [0, 1].
    """

    def __init__(self, exemplars: Sequence[NDArray[np.float32]]) -> None:
        self._described = np.stack([_described(one) for one in exemplars])

    def ranked(self, image: DecodedImage) -> list[int]:
        """Return the indices of the exemplars, the most alike first."""
        distances = np.linalg.norm(self._described - _described(image.gray()[0]), axis=1)
        return [int(i) for i in np.argsort(distances, kind="stable")]


def _described(gray: NDArray[np.float32]) -> NDArray[np.float64]:
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    described: NDArray[np.float64] = hog(small, 9, (_CELL, _CELL), (2, 2), feature_vector=True)
    return described
