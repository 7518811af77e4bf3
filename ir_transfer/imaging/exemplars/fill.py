"""An exemplar without its invalid pixels, for models that take no mask."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Values = TypeVar("Values", bound=np.generic)


def without_invalid(
    intensity: NDArray[Values], valid: NDArray[np.bool_] | None, *, crop: bool = True
) -> NDArray[Values]:
    """Return an intensity (h, w) of any type whose invalid pixels have the value of the nearest valid one.

    Args:
        intensity: In [0, 1], or levels.
        valid: (h, w), with at least one pixel; None if all are.
        crop: Also cut off rows and columns at the border that hold no valid pixel.
    """
    if valid is None:
        return intensity
    place = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    filled: NDArray[Values] = intensity[tuple(place)]
    if crop:
        rows, columns = np.flatnonzero(valid.any(axis=1)), np.flatnonzero(valid.any(axis=0))
        filled = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(filled)
