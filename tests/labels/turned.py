"""Sets of one scene in all eight EXIF orientations, in every format and both frames of labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.labels.frames import Frame, to_stored
from ir_transfer.labels.regions import mask_region
from tests.labels.sets import index_mask, text

UPRIGHT = (48, 64)
"""Height and width of the upright scene."""
OBJECT = (slice(30, 42), slice(6, 20))
"""Rows and columns of the bright object, in one corner so that every rotation moves it."""
ORIENTATIONS = range(1, 9)
FRAMES: tuple[Frame, ...] = ("stored", "upright")

Mask = NDArray[np.bool_]
Build = Callable[[Path, str, Mask], None]


def scene() -> NDArray[np.uint8]:
    pixels = np.full(UPRIGHT, 40, np.uint8)
    pixels[OBJECT] = 220
    return pixels


def photograph(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = to_stored(scene(), orientation)
    Image.fromarray(np.stack([stored] * 3, axis=-1)).save(path, exif=exif)


def in_frame(frame: Frame, orientation: int) -> Mask:
    """Return where the object is in the frame of the labels."""
    mask = scene() > 128
    return to_stored(mask, orientation) if frame == "stored" else mask


def box_of(mask: Mask) -> tuple[int, int, int, int]:
    left, top, right, bottom = mask_region("", "", mask).box
    return int(left), int(top), int(right), int(bottom)


def coco(root: Path, name: str, mask: Mask) -> None:
    """Write COCO labels: one file per image, since every test has one image of each orientation."""
    left, top, right, bottom = box_of(mask)
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, len(flat)]).tolist()
    content = {
        "images": [{"id": 1, "file_name": name, "height": mask.shape[0], "width": mask.shape[1]}],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [left, top, right - left, bottom - top]},
            {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"size": list(mask.shape), "counts": runs}},
        ],
    }
    text(root / f"annotations/{Path(name).stem}.coco.json", json.dumps(content))


def yolo(root: Path, name: str, mask: Mask) -> None:
    left, top, right, bottom = box_of(mask)
    height, width = mask.shape
    numbers = (left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height
    text(root / f"labels/{Path(name).stem}.txt", f"0 {' '.join(map(str, numbers))}\n")


def voc(root: Path, name: str, mask: Mask) -> None:
    left, top, right, bottom = box_of(mask)
    sides = f"<xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    size = f"<size><width>{mask.shape[1]}</width><height>{mask.shape[0]}</height></size>"
    content = f"{size}<object><name>object</name><bndbox>{sides}</bndbox></object>"
    text(root / f"Annotations/{Path(name).stem}.xml", f"<annotation><filename>{name}</filename>{content}</annotation>")


def kitti(root: Path, name: str, mask: Mask) -> None:
    sides = " ".join(map(str, box_of(mask)))
    text(root / f"training/label_2/{Path(name).stem}.txt", f"Car 0 0 0 {sides} 1 1 1 1 1 1 1\n")


def masks(root: Path, name: str, mask: Mask) -> None:
    index_mask(root / f"masks/{Path(name).stem}.png", mask.astype(np.uint8))


FOLDERS: dict[Build, str] = {
    coco: "images",
    yolo: "images",
    voc: "JPEGImages",
    kitti: "training/image_2",
    masks: "images",
}
STATED = (coco, voc, masks)
"""Formats that state a size."""


def build(root: Path, kind: Build, frame: Frame, suffix: str = "png") -> None:
    for orientation in ORIENTATIONS:
        name = f"o{orientation}.{suffix}"
        photograph(root / FOLDERS[kind] / name, orientation)
        kind(root, name, in_frame(frame, orientation))
