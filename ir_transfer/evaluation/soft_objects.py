"""People and vehicles of a scene, from its soft class labels (see :mod:`ir_transfer.data.soft_labels`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import label as connected
from skimage.measure import regionprops

from ir_transfer.data.soft_labels import CLASSES, SoftLabels, read_soft_labels
from ir_transfer.errors import InputError
from ir_transfer.evaluation.metrics.object_heat import Region

OBJECTS: Mapping[int, str] = {CLASSES.index(name): name for name in ("person", "vehicle")}
"""Classes that are objects, with the labels that heat columns know."""
LIKELY = 0.6
"""Least probability of an object's cells."""
POSSIBLE = 0.2
"""Cells of at least this probability belong to no ring."""
SMALLEST = 8
"""Least cells of an object: half of a standing person of 32 pixels; smaller ones are often mistakes."""
QUARTER = 4
"""Pixels of the photograph on a cell's side."""


def class_probability(label: SoftLabels, number: int) -> NDArray[np.float64]:
    """Return the probability (h, w) of a class; 0 where it is neither the first nor the second."""
    first, p_first, second, p_second = (label[..., channel] for channel in range(4))
    found = np.where(first == number, p_first, np.where(second == number, p_second, 0))
    return found.astype(np.float64) / 255


def soft_regions(path: Path, file_size: tuple[int, int], shown: tuple[int, int]) -> list[Region]:
    """Return the people and vehicles of a label, in pixels of the shown picture.

    An object is what hangs together of the cells that are :data:`LIKELY` of its class. Its ring reaches as far as half
    of its shorter side, at least one cell, and has no cell that is :data:`POSSIBLE` of that class.

    Args:
        path: The label.
        file_size: Height and width of the scene's files.
        shown: Height and width of the picture that is measured.

    Raises:
        DecodeError: Not a picture.
        InputError: Not RGBA, or not a quarter of the scene's size.
    """
    label = read_soft_labels(path)
    if any(abs(side * QUARTER - whole) > QUARTER for side, whole in zip(label.shape, file_size, strict=False)):
        raise InputError(
            f"expected {path} at a quarter of the scene's {file_size[1]} x {file_size[0]} pixels, got "
            f"{label.shape[1]} x {label.shape[0]}: name the labels of these very photographs"
        )
    cells = [((np.arange(n) + 0.5) * m / n).astype(np.int64) for n, m in zip(shown, label.shape, strict=False)]
    found = []
    for number, name in OBJECTS.items():
        probability = class_probability(label, number)
        for inside, ring in _components(probability):
            pixels, around = (np.argwhere(mask[np.ix_(*cells)]) for mask in (inside, ring))
            found.append(Region(pixels, around, name))
    return [region for region in found if len(region.inside) and len(region.ring)]


def _components(probability: NDArray[np.float64]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return the cells of every object and of its ring, as two masks."""
    found = []
    numbered = connected(probability >= LIKELY, connectivity=2)
    for region in regionprops(numbered):
        if region.area < SMALLEST:
            continue
        top, left, bottom, right = region.bbox
        reach = max(min(bottom - top, right - left) / 2, 1)
        inside = numbered == region.label
        near = distance_transform_edt(~inside) <= reach + 1  # one more: the cell at an object's edge is mixed
        found.append((inside, near & (probability < POSSIBLE)))
    return found
