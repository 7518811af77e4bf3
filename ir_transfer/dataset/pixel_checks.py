"""Checks of the labels of a generated set against its pixels: sizes, boxes and EXIF orientation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.manifest import Entry
from ir_transfer.errors import DecodeError, IrTransferError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_io import read_image
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import to_stored, to_upright
from ir_transfer.labels.regions import regions_outside, size_mismatch

_ADVICE = "generate it again with --overwrite"
_SIDE = 96
_MARGIN = 0.3  # by which the correlation of another orientation must be higher


def check_pixels(made: LabelledSet) -> list[str]:
    """Return messages about labels of a generated set that do not fit the pixels of its images."""
    found = []
    for image in made.images:
        try:
            size = made.frame_size(image)
        except DecodeError:
            continue  # reported by the check of its hash
        found += [f"{image.rel_path}: {line}" for line in label_mismatches(made, image, *size)]
    return found


def label_mismatches(labelled: LabelledSet, image: LabelledImage, height: int, width: int) -> list[str]:
    """Return messages about labels of an image that do not fit its size (height, width) in their frame."""
    sizes = dict.fromkeys(labelled.evidence(image).sizes)
    found = [size_mismatch(size, height, width) for size in sizes if size != (height, width)]
    return found + regions_outside(labelled.regions(image, height, width), height, width)


def check_orientations(out: Path, source: LabelledSet, entries: Sequence[Entry]) -> list[str]:
    """Return messages about results whose pixels are not in the frame of their labels.

    Args:
        out: Root of the generated set.
        source: RGB set.
        entries: Entries of the manifest.
    """
    images = {str(image.rel_path): image for image in source.images}
    found = []
    for entry in entries:
        image = images.get(entry.input)
        if image is None or entry.status != "converted":
            continue
        try:
            if (orientation := read_header(image.path, source.page).orientation) == 1:
                continue
            rgb = read_image(image.path, wanted=Wanted(source.page)).gray()[0]
            result = read_image(out / str(entry.output)).gray()[0]
        except IrTransferError:
            continue  # reported by the run or by the check of its hash
        stored = source.stored_orientation(image)
        if stored != (entry.stored_orientation or 1):
            got = _frame(entry.stored_orientation or 1)
            found.append(f"{entry.output}: expected the frame of its labels, {_frame(stored)}, got {got}: {_ADVICE}")
        elif not is_same_orientation(to_stored(rgb, stored), result, orientation):
            found.append(f"{entry.output}: expected the {_frame(stored)} frame, got another orientation: {_ADVICE}")
    return found


def _frame(orientation: int) -> str:
    return "upright" if orientation == 1 else "stored"


def is_same_orientation(rgb: NDArray[np.float32], result: NDArray[np.float32], orientation: int) -> bool:
    """Return whether a result has the orientation of its RGB image, not that after an EXIF orientation or its inverse.

    Edges are compared, since the polarity may differ.

    Args:
        rgb: Luma of the RGB image (H, W), in the expected orientation.
        result: Infrared image (h, w).
        orientation: EXIF orientation that may have been applied wrongly.
    """
    edges = _edges(result)
    turned = (to_upright(rgb, orientation), to_stored(rgb, orientation))
    own, *others = (_correlation(_edges(one), edges) for one in (rgb, *turned))
    return rgb.shape == result.shape and max(others) < own + _MARGIN


def _edges(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    small = cv2.resize(np.ascontiguousarray(pixels), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    rows, columns = np.gradient(small)
    edges: NDArray[np.float64] = np.hypot(rows, columns)
    return edges


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    spread = one.std() * other.std()
    return 0.0 if spread == 0 else float(((one - one.mean()) * (other - other.mean())).mean() / spread)
