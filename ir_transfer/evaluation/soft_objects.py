"""People and vehicles of a scene, from its soft class labels (see :mod:`ir_transfer.labels.soft_labels`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.evaluation.masks import ringed_components
from ir_transfer.labels.soft_labels import CLASSES, SoftLabels, read_soft_labels
from ir_transfer.metrics.object_heat import Region

OBJECTS: Mapping[int, str] = {CLASSES.index(name): name for name in ("person", "vehicle")}
"""Object classes, with their labels in the heat columns."""
LIKELY = 0.6
"""Smallest probability of an object's cells."""
POSSIBLE = 0.2
"""Cells of at least this probability are excluded from rings."""
SMALLEST = 8
"""Smallest number of cells of an object: half of a standing person of 32 pixels; smaller ones are often errors."""
QUARTER = 4
"""Side of a cell in pixels of the RGB image."""


def class_probability(label: SoftLabels, number: int) -> NDArray[np.float64]:
    """Return the probability (h, w) in [0, 1] of a class; 0 where it is not among the two most probable ones."""
    first, p_first, second, p_second = (label[..., channel] for channel in range(4))
    found = np.where(first == number, p_first, np.where(second == number, p_second, 0))
    return found.astype(np.float64) / 255


def soft_regions(path: Path, file_size: tuple[int, int], shown: tuple[int, int]) -> list[Region]:
    """Return the people and vehicles of a soft label, in pixels of the measured image.

    An object is a connected component of the cells of a probability of at least :data:`LIKELY`. Its ring is half as
    wide as its shorter side, at least one cell, without cells of a probability of at least :data:`POSSIBLE`.

    Args:
        path: File of the soft label.
        file_size: Height and width of the scene's files in pixels.
        shown: Height and width of the measured image in pixels.

    Raises:
        DecodeError: Not an image.
        InputError: Not RGBA, or not of a quarter of the scene's size.
    """
    label = read_soft_labels(path)
    if any(abs(side * QUARTER - whole) > QUARTER for side, whole in zip(label.shape, file_size, strict=False)):
        raise InputError(
            f"expected {path} at a quarter of the scene's {file_size[1]} x {file_size[0]} pixels, got "
            f"{label.shape[1]} x {label.shape[0]}: pass the labels of these RGB images"
        )
    cells = [((np.arange(n) + 0.5) * m / n).astype(np.int64) for n, m in zip(shown, label.shape, strict=False)]
    found = []
    for number, name in OBJECTS.items():
        probability = class_probability(label, number)
        parts = ringed_components(probability >= LIKELY, probability >= POSSIBLE, SMALLEST, _reach)
        for part in parts:
            pixels, around = (_in_pixels(places, probability.shape, cells) for places in part)
            found.append(Region(pixels, around, name))
    return [region for region in found if len(region.inside) and len(region.ring)]


def _reach(side: int) -> float:
    return max(side / 2, 1) + 1  # one more cell: that at an object's edge is mixed


def _in_pixels(
    places: NDArray[np.int64], shape: tuple[int, ...], cells: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return the pixels (N, 2) whose cells, given by row and by column, are among places (M, 2) in a grid."""
    mask = np.zeros(shape, bool)
    mask[tuple(places.T)] = True
    return np.argwhere(mask[np.ix_(*cells)])
