"""Verification of a generated set: hashes, sizes and labels, the latter also against the pixels."""

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.dataset.label_files import read_hashes
from ir_transfer.dataset.options import CARD_FOLDER, HASHES_NAME
from ir_transfer.dataset.plan import find_source
from ir_transfer.errors import DecodeError, InputError, IrTransferError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_io import MAX_PIXELS, decode_image, read_bytes, read_image
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.inside import inside_path
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.frames import Orientation, to_stored, to_upright
from ir_transfer.labels.open import open_labelled
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
    """Return messages about results whose pixels are not in the frame of their labels."""
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


def verify_dataset(out: Path, source: Path | None = None, max_pixels: int = MAX_PIXELS) -> list[str]:
    """Check every image and label file of a generated set.

    Args:
        out: Root of the set.
        source: RGB set to compare labels with; None takes the path in the manifest. If that does not exist, only the
            hashes of the labels are checked.
        max_pixels: Larger images are not decoded, even if the manifest states their size.

    Returns:
        A line for each problem.

    Raises:
        InputError: Not a generated set, or a manifest with paths outside of it.
    """
    manifest = Manifest.load(out)
    if manifest is None or "labels" not in manifest.header.look:
        raise InputError(f"expected a set generated by ir-transfer dataset in {out}, found no manifest of one")
    found: list[str] = []
    entries = list(manifest.entries.values())
    for entry in entries:
        found += _check_image(out, entry, max_pixels)
    hashes = read_hashes(out)
    found += [line for rel_path, digest in hashes.items() if (line := _check_hash(out, rel_path, digest)) is not None]
    root = source or find_source(manifest)
    look = manifest.header.look
    is_whole = "shard" not in look
    if is_whole and not (out / HASHES_NAME).is_file():
        found.append(f"{HASHES_NAME}: expected the hashes of the label files, found none: generate it with --resume")
    if is_whole:
        try:
            made = open_labelled(out, str(look["labels"]), leave_out=[out / CARD_FOLDER])
        except IrTransferError as error:
            return [*found, error.line]
        found += check_pixels(made)
    if is_whole and root is not None and root.is_dir():
        asked: Orientation = look.get("orientation", "auto")
        labelled = open_labelled(root, str(look["labels"]), orientation=asked, page=look.get("raster", {}).get("page"))
        found += [*_check_labels(made, labelled, entries), *check_orientations(out, labelled, entries)]
    elif source is not None:
        raise InputError(f"expected a complete set and its source, got {out} and {source}: merge shards or check paths")
    return found


def _check_image(out: Path, entry: Entry, max_pixels: int) -> list[str]:
    if entry.status == "failed":
        return (
            []
            if entry.output is None or not (out / entry.output).exists()
            else [f"{entry.output}: expected no file, since the conversion failed: remove it"]
        )
    path = inside_path(out, str(entry.output))
    if not path.is_file():
        return [f"{entry.output}: expected the image, found none: generate it again with --resume"]
    try:
        data = read_bytes(path, max_pixels)
    except IrTransferError as error:
        return [error.line]
    if hashlib.sha256(data).hexdigest() != entry.output_sha256:
        return [f"{entry.output}: expected the bytes that were written, got others: generate it again with --resume"]
    try:
        image = decode_image(data, str(entry.output), max_pixels)
    except IrTransferError as error:
        return [error.line]
    if (image.width, image.height) != (entry.width, entry.height):
        return [f"{entry.output}: expected {entry.width} x {entry.height} pixels, got {image.width} x {image.height}"]
    return []


def _check_hash(out: Path, rel_path: str, digest: str) -> str | None:
    path = inside_path(out, rel_path)
    if not path.is_file():
        return f"{rel_path}: expected the label file, found none: generate it again with --resume"
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        return f"{rel_path}: expected the bytes that were written, got others: generate it again with --resume"
    return None


def _check_labels(made: LabelledSet, source: LabelledSet, entries: list[Entry]) -> list[str]:
    results: dict[PurePosixPath, list[PurePosixPath]] = {image.rel_path: [] for image in source.images}
    found: list[str] = []
    for entry in entries:
        if entry.status == "converted" and PurePosixPath(entry.input) in results:
            results[PurePosixPath(entry.input)].append(PurePosixPath(str(entry.output)))
        elif entry.status == "converted":
            found.append(
                f"{entry.output}: expected its image {entry.input} in the source, found none: restore it, or remove "
                "the result by generating with --resume"
            )
    return found or compare_labels(source, made, results)
