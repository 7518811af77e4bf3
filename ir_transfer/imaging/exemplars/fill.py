"""Fills the invalid pixels of a style exemplar, for models without a mask."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Values = TypeVar("Values", bound=np.generic)


def without_invalid(
    intensity: NDArray[Values], valid: NDArray[np.bool_] | None, *, crop: bool = True
) -> NDArray[Values]:
    """Return an intensity (h, w) of any type with invalid pixels set to the nearest valid value.

    Args:
        intensity: Intensities in [0, 1], or levels.
        valid: Valid pixels (h, w), at least one; None if all are valid.
        crop: Whether to crop rows and columns without a valid pixel from the borders.
    """
    if valid is None:
        return intensity
    place = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    filled: NDArray[Values] = intensity[tuple(place)]
    if crop:
        rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
        filled = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(filled)
