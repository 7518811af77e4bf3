"""Views of image pairs: crops at several scales in canonical tone, with class probabilities.

A view depends only on the seed, the image and the number of the view, so that the features of a frozen encoder are
computed once (see :mod:`ir_transfer.training.feature_cache`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import LUMA, OutputLevels
from ir_transfer.imaging.image_names import find_below
from ir_transfer.labels.soft_labels import SoftLabels, probabilities_at, read_soft_labels
from ir_transfer.losses.base import CANONICAL_DEVIATION, CANONICAL_MEAN
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from ir_transfer.training.degrade import Degradation

_SHARES = (0.5, 1.4)  # of the width; three crops in ten cover all of it, with detail as dense as in a reduced RGB image
_SQUARES = (32, 64)  # pixels a side; sides of views are multiples of 32
_USUAL = Degradation()
_ASPECTS = (1.05, 1.45)
_OBJECTS = ((1, 0.65), (3, 0.35))  # people and vehicles, with their shares of the crops that are centred on one
_EXEMPLAR_SIZE = (128, 160)


@dataclass(frozen=True)
class Crop:
    """A crop of an image, as shares of its height and width in [0, 1].

    Attributes:
        top: Upper edge.
        left: Left edge.
        height: Height of the crop.
        width: Width of the crop.
    """

    top: float
    left: float
    height: float
    width: float

    def of(self, levels: OutputLevels, size: tuple[int, int]) -> Tensor:
        """Return the crop of an image (H, W) or (H, W, 3) resized to (C, *size), in [0, 1]."""
        rows, columns = levels.shape[:2]
        top, left = round(self.top * rows), round(self.left * columns)
        bottom, right = round((self.top + self.height) * rows), round((self.left + self.width) * columns)
        part = torch.from_numpy(np.ascontiguousarray(to_unit(levels[top:bottom, left:right])))
        planes = part.permute(2, 0, 1) if part.dim() == 3 else part[None]
        return F.interpolate(planes[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def draw_crop(height: int, width: int, labels: SoftLabels | None, random: np.random.Generator) -> Crop:
    """Draw a crop of half to all of an image's width; half of all crops are centred on a person or vehicle."""
    share = min(1.0, math.exp(random.uniform(math.log(_SHARES[0]), math.log(_SHARES[1]))))
    aspect = math.exp(random.uniform(math.log(_ASPECTS[0]), math.log(_ASPECTS[1])))
    wide = min(width, height * aspect) * share
    tall = min(wide / aspect, height)
    row, column = random.random(), random.random()
    if labels is not None and random.random() < 0.5:
        wanted = _OBJECTS[int(random.random() >= _OBJECTS[0][1])][0]
        rows, columns = np.nonzero((labels[..., 0] == wanted) & (labels[..., 1] > 120))
        if len(rows) > 3:
            chosen = int(random.integers(len(rows)))
            row, column = (rows[chosen] + 0.5) / labels.shape[0], (columns[chosen] + 0.5) / labels.shape[1]
    top, left = (row * height - tall / 2) / height, (column * width - wide / 2) / width
    tall, wide = tall / height, wide / width
    return Crop(float(np.clip(top, 0, 1 - tall)), float(np.clip(left, 0, 1 - wide)), tall, wide)


@dataclass(frozen=True)
class View:
    """A view of a pair, or of an RGB image alone.

    Attributes:
        content: RGB image, uint8 (3, h, w).
        truth: Ground truth in canonical tone, half (1, h, w); None without one.
        classes: Class probabilities, half (11, h / 4, w / 4); None without labels.
        valid: Pixels that are valid in both images, bool (1, h, w); None if all are.
    """

    content: Tensor
    truth: Tensor | None
    classes: Tensor | None
    valid: Tensor | None = None

    def shuffled(self, random: np.random.Generator) -> View:
        """Return the view cut into squares of 32 or 64 pixels, which are put together in random order."""
        height, width = self.content.shape[1:]
        side = int(random.choice([side for side in _SQUARES if height % side == 0 and width % side == 0]))
        order = random.permutation((height // side) * (width // side))

        def cut(planes: Tensor | None, side: int = side) -> Tensor | None:
            return None if planes is None else _reordered(planes, side, order)

        return View(
            _reordered(self.content, side, order), cut(self.truth), cut(self.classes, side // 4), cut(self.valid)
        )


def _reordered(planes: Tensor, side: int, order: np.ndarray) -> Tensor:
    """Return planes (C, H, W) whose squares are in the given order of their numbers, by rows."""
    channels, height, width = planes.shape
    rows, columns = height // side, width // side
    squares = planes.reshape(channels, rows, side, columns, side).permute(1, 3, 0, 2, 4).flatten(0, 1)
    mixed = squares[torch.from_numpy(order)].reshape(rows, columns, channels, side, side)
    return mixed.permute(2, 0, 3, 1, 4).reshape(channels, height, width)


def draw_view(
    photograph: OutputLevels,
    infrared: OutputLevels | None,
    labels: SoftLabels | None,
    size: tuple[int, int],
    random: np.random.Generator,
    valid: OutputLevels | None = None,
    degradation: Degradation = _USUAL,
) -> View:
    """Draw a view of an RGB image (H, W, 3) and its infrared image (H, W), where there is one.

    Args:
        photograph: RGB image (H, W, 3).
        infrared: Infrared image (H, W), or None.
        labels: Soft labels, or None.
        size: Height and width of the view.
        random: Draws it.
        valid: 255 where both images are valid, else 0 (H, W); None if all is.
        degradation: Degrades the RGB image. The infrared image keeps its original time of day, like its exemplar.
    """
    crop = draw_crop(photograph.shape[0], photograph.shape[1], labels, random)
    mirrored = random.random() < 0.5
    content = degradation(crop.of(photograph, size), random)
    # A resized pixel with a contribution from an invalid one is invalid.
    seen = None if valid is None else crop.of(valid, size) > 1 - 1e-4
    weights = None if seen is None else seen[None].float()
    truth = None if infrared is None else canonical(crop.of(infrared, size)[None], weights)[0]
    classes = None
    if labels is not None:
        box = (crop.top, crop.left, crop.height, crop.width)
        classes = probabilities_at(labels, box, (size[0] // 4, size[1] // 4))
    if mirrored:
        content = content.flip(-1)
        truth, classes, seen = (None if planes is None else planes.flip(-1) for planes in (truth, classes, seen))
    return View(
        (content * 255).round().byte(),
        None if truth is None else truth.half(),
        None if classes is None else classes.half(),
        seen,
    )


def draw_exemplar(infrared: OutputLevels, random: np.random.Generator) -> Tensor:
    """Draw a crop of an exemplar (H, W), white-hot, in canonical tone: (1, 128, 160)."""
    height, width = infrared.shape
    tall = height * random.uniform(0.7, 1)
    wide = min(width, tall * 1.25)
    crop = Crop(
        random.uniform(0, 1 - tall / height), random.uniform(0, max(0.0, 1 - wide / width)), tall / height, wide / width
    )
    found = canonical(crop.of(infrared, _EXEMPLAR_SIZE)[None])[0]
    return found.flip(-1) if random.random() < 0.5 else found


def canonical(images: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return images (B, 1, H, W) in canonical tone: mean 0.5 and deviation 0.2 over each.

    Args:
        images: Of any range.
        weights: Weight of each pixel (B or 1, 1, H, W); pixels of weight 0 become 0.5. None for equal weights.
    """
    return CANONICAL_MEAN + CANONICAL_DEVIATION * standardised(images, weights)


def mean_luma(photograph: OutputLevels) -> float:
    """Return the mean luma in [0, 1] of an RGB image (H, W, 3), which distinguishes day from night."""
    return float((to_unit(photograph[::8, ::8]) @ np.asarray(LUMA, np.float32)).mean())


def read_labels(folder: Path | None, stem: str) -> SoftLabels | None:
    """Return the soft labels of an image, or None where there is no label file of its stem."""
    path = None if folder is None else find_below(folder, PurePosixPath(f"{stem}.png"))
    return read_soft_labels(path) if path is not None and path.is_file() else None


def neighbours(lumas: NDArray[np.float64], index: int) -> NDArray[np.int64]:
    """Return the quarter of a set, at least four images, whose RGB images are most similar in mean luma.

    Args:
        lumas: Mean luma (n,) of each image.
        index: Of the image whose neighbours are wanted.
    """
    order = np.argsort(np.abs(lumas - lumas[index]), kind="stable")
    return order[: max(4, len(lumas) // 4)].astype(np.int64)
