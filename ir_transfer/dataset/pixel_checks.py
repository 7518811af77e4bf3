"""Do the labels of a generated set fit its pixels? Sizes, boxes, and the way round of what EXIF turns."""

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
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.frames import to_stored, to_upright

_ADVICE = "generate it again with --overwrite"
_SIDE = 96
_MARGIN = 0.3  # correlation by which another way round must be more alike


def check_pixels(made: LabelledSet) -> list[str]:
    """Return where labels of a generated set do not fit the pixels of its images, a line each."""
    found = []
    for image in made.images:
        try:
            size = made.frame_size(image)
        except DecodeError:
            continue  # its hash tells
        found += [f"{image.rel_path}: {line}" for line in made.mismatches(image, *size)]
    return found


def check_orientations(out: Path, source: LabelledSet, entries: Sequence[Entry]) -> list[str]:
    """Return which results show their RGB image in another frame than that of its labels, a line each.

    Args:
        out: Root of the generated set.
        source: The RGB set.
        entries: Of the manifest.
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
            photograph = read_image(image.path, wanted=Wanted(source.page)).gray()[0]
            result = read_image(out / str(entry.output)).gray()[0]
        except IrTransferError:
            continue  # the hash or the run has reported it
        turn = source.turn(image)
        if turn != (entry.stored_orientation or 1):
            got = _frame(entry.stored_orientation or 1)
            found.append(f"{entry.output}: expected the frame of its labels, {_frame(turn)}, got {got}: {_ADVICE}")
        elif not is_same_orientation(to_stored(photograph, turn), result, orientation):
            found.append(f"{entry.output}: expected the {_frame(turn)} frame, got pixels turned otherwise: {_ADVICE}")
    return found


def _frame(turn: int) -> str:
    return "upright" if turn == 1 else "stored"


def is_same_orientation(photograph: NDArray[np.float32], result: NDArray[np.float32], orientation: int) -> bool:
    """Return whether a result shows its RGB image as it is, rather than with an orientation or its inverse applied.

    Edges are compared, since bright and dark may change places.

    Args:
        photograph: (H, W), as the result should show it.
        result: (h, w).
        orientation: The way of turning that may have been mistaken.
    """
    edges = _edges(result)
    turned = (to_upright(photograph, orientation), to_stored(photograph, orientation))
    own, *others = (_correlation(_edges(one), edges) for one in (photograph, *turned))
    return photograph.shape == result.shape and max(others) < own + _MARGIN


def _edges(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    small = cv2.resize(np.ascontiguousarray(pixels), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    rows, columns = np.gradient(small)
    edges: NDArray[np.float64] = np.hypot(rows, columns)
    return edges


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    spread = one.std() * other.std()
    return 0.0 if spread == 0 else float(((one - one.mean()) * (other - other.mean())).mean() / spread)
