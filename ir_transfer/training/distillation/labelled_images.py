"""RGB images with soft class labels, kept in memory and drawn as labelled crops."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.image_io import read_image, to_levels
from ir_transfer.imaging.image_names import find_below, is_image_name
from ir_transfer.labels.soft_labels import SoftLabels, probabilities_at, read_soft_labels, sample_at

Bytes = NDArray[np.uint8]
Valid = NDArray[np.bool_]

_OBJECTS = (1, 2, 3)  # person, two-wheeler, vehicle: half of all crops are centred on one


@dataclass(frozen=True)
class LabelledImage:
    """An RGB image with its soft labels.

    Attributes:
        path: Path of the RGB image.
        pixels: uint8 (H, W, 3).
        labels: uint8 (h, w, 4): most likely class, its probability x 255, second class, its probability x 255.
        valid: Positions of the labels without transparent or invalid pixels, bool (h, w); None if all are.
    """

    path: Path
    pixels: Bytes
    labels: SoftLabels
    valid: Valid | None = None


def read_labelled(folder: Path, labels: Path, longer_side: int = 480) -> list[LabelledImage]:
    """Read the RGB images of a folder that have a label file ``<stem>.png``, sorted by name.

    Args:
        folder: Folder of the RGB images.
        labels: Folder of the label files, at a quarter of the size of the RGB images.
        longer_side: Longer side in pixels to which larger images are reduced.

    Raises:
        MissingFileError: One of the folders is missing.
        InputError: No RGB image has a label file, or a label file is not RGBA.
    """
    for place in (folder, labels):
        if not place.is_dir():
            raise MissingFileError(f"expected a folder at {place}, found none: check --data and the recipe's sources")
    found = []
    for path in sorted(p for p in folder.iterdir() if is_image_name(p)):
        label = find_below(labels, PurePosixPath(f"{path.stem}.png"))
        if label is not None and label.is_file():
            found.append(_read(path, read_soft_labels(label), longer_side))
    if not found:
        raise InputError(
            f"expected label files in {labels} for the RGB images in {folder}, found none of the same stem"
        )
    return found


def _read(path: Path, labels: SoftLabels, longer_side: int) -> LabelledImage:
    decoded = read_image(path)
    image = Image.fromarray(to_levels(decoded.rgb().transpose(1, 2, 0)))
    image.thumbnail((longer_side, longer_side), Image.Resampling.LANCZOS)
    valid = decoded.valid
    if valid is not None:
        # A position is valid only if all of its pixels are, not their average.
        levels = Image.fromarray((valid * np.uint8(255)).astype(np.uint8))
        valid = np.asarray(levels.resize(labels.shape[1::-1], Image.Resampling.BOX)) == 255
    return LabelledImage(path, np.asarray(image).copy(), labels, valid)


def held_out(images: Iterable[LabelledImage], share: float, sequences: Sequence[str]) -> list[bool]:
    """Return for each image whether it is held out from the training.

    Args:
        images: Images in any order.
        share: Share held out of the images that are in no sequence, chosen by the hash of their names.
        sequences: Prefixes of file names that are held out as a whole, since neighbouring video frames are similar.
    """
    return [
        photo.path.name.startswith(tuple(sequences))
        or int(hashlib.sha256(photo.path.name.encode()).hexdigest()[:8], 16) / 2**32 < share
        for photo in images
    ]


def draw_crop(photo: LabelledImage, side: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw a crop with its labels: image (3, side, side) in [0, 1], probabilities (11, side / 4, side / 4).

    Half of all crops are centred on a person, two-wheeler or vehicle if there is one. The scale varies by a
    factor of 0.6 to 2, the aspect ratio by 15%, and half of the crops are mirrored. All probabilities of a position
    with transparent or invalid pixels are 0.
    """
    height, width = photo.pixels.shape[:2]
    scale = float(np.exp(random.uniform(-0.5, 0.7)))
    stretch = float(np.exp(random.uniform(-0.15, 0.15)))
    tall, wide = (int(np.clip(side / scale * k, 32, n)) for k, n in ((stretch, height), (1 / stretch, width)))
    row, column = _centre(photo, random)
    top = int(np.clip(row * height - tall / 2, 0, height - tall))
    left = int(np.clip(column * width - wide / 2, 0, width - wide))
    pixels = torch.from_numpy(photo.pixels[top : top + tall, left : left + wide].copy()).permute(2, 0, 1)[None] / 255
    image = F.interpolate(pixels, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]
    box = (top / height, left / width, tall / height, wide / width)
    labels = probabilities_at(photo.labels, box, (side // 4, side // 4))
    if photo.valid is not None:
        labels = labels * torch.from_numpy(sample_at(photo.valid, box, (side // 4, side // 4)))
    if random.random() < 0.5:
        return image.flip(-1), labels.flip(-1)
    return image, labels


def _centre(photo: LabelledImage, random: np.random.Generator) -> tuple[float, float]:
    labels = photo.labels
    if random.random() < 0.5:
        wanted = _OBJECTS[int(random.choice(3, p=(0.5, 0.2, 0.3)))]
        is_object = (labels[..., 0] == wanted) & (labels[..., 1] > 100)
        rows, columns = np.nonzero(is_object if photo.valid is None else is_object & photo.valid)
        if len(rows) > 4:
            chosen = int(random.integers(len(rows)))
            return (rows[chosen] + 0.5) / labels.shape[0], (columns[chosen] + 0.5) / labels.shape[1]
    return random.random(), random.random()
