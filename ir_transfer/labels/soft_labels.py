"""Soft class labels of RGB images: the two most likely classes of each position with their probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import composed

CLASSES = (
    "other",
    "person",
    "two-wheeler",
    "vehicle",
    "sky",
    "vegetation",
    "terrain",
    "road",
    "sidewalk",
    "building",
    "pole or sign",
)
"""Street classes, in the order of their numbers."""

SoftLabels = NDArray[np.uint8]
"""uint8 (h, w, 4): most likely class, its probability x 255, second class, its probability x 255."""


def open_soft_labels(folder: Path) -> dict[str, Path]:
    """Return the labels of a folder by the stem of their scene, in Unicode's composed form.

    Raises:
        MissingFileError: The folder does not exist.
        InputError: The folder holds no .png.
    """
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of soft class labels at {folder}, found none: check its name")
    files = {composed(path.stem): path for path in sorted(folder.glob("*.png"))}
    if not files:
        raise InputError(f"expected soft class labels such as scene_1.png in {folder}, got none: check its name")
    return files


def read_soft_labels(path: Path) -> SoftLabels:
    """Read the labels (h, w, 4) of a PNG in 8-bit RGBA, usually at a quarter of the RGB image's size.

    Raises:
        MissingFileError: The file does not exist.
        DecodeError: The file is damaged or not an image.
        InputError: The image is not RGBA.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a soft label file at {path}, found none: check the folder of the labels")
    try:
        with Image.open(path) as image:
            if image.mode != "RGBA":
                raise InputError(f"expected soft class labels in 8-bit RGBA at {path}, got mode {image.mode}")
            return np.asarray(image).copy()
    except OSError as error:
        raise DecodeError(f"expected an image of soft class labels at {path}, got: {error}") from error


def probabilities(labels: SoftLabels) -> Tensor:
    """Return class probabilities (11, h, w) that sum to 1; the remainder is spread over the other classes."""
    stored = torch.from_numpy(labels.astype(np.int64))
    first, second = stored[..., 1] / 255, stored[..., 3] / 255
    total = (first + second).clamp(min=1.0)
    first, second = first / total, second / total
    found = ((1 - first - second) / (len(CLASSES) - 2)).expand(len(CLASSES), -1, -1).clone()
    found.scatter_(0, stored[None, ..., 2].clamp(max=len(CLASSES) - 1), second[None])
    found.scatter_(0, stored[None, ..., 0].clamp(max=len(CLASSES) - 1), first[None])
    return found / found.sum(0)


def probabilities_at(labels: SoftLabels, box: tuple[float, float, float, float], size: tuple[int, int]) -> Tensor:
    """Return class probabilities (11, *size) of a box, sampled by nearest neighbour.

    Args:
        labels: Labels of the whole image, (h, w, 4).
        box: Top, left, height and width in shares of the image's height and width.
        size: Rows and columns of the result.
    """
    return probabilities(sample_at(labels, box, size))


def sample_at(values: NDArray[Any], box: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[Any]:
    """Return the nearest values (*size, ...) of a box of an array (h, w, ...); see :func:`probabilities_at`."""
    top, left, tall, wide = box
    rows = _nearest(top, tall, size[0], values.shape[0])
    columns = _nearest(left, wide, size[1], values.shape[1])
    sampled: NDArray[Any] = values[rows[:, None], columns[None]]
    return sampled


def _nearest(start: float, share: float, count: int, cells: int) -> NDArray[np.int64]:
    rel_paths = (start + (np.arange(count) + 0.5) / count * share) * cells - 0.5
    return rel_paths.round().astype(np.int64).clip(0, cells - 1)
