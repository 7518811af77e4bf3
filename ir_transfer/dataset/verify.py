"""Verification of a generated set: hashes, sizes and labels."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.dataset.label_files import read_hashes
from ir_transfer.dataset.options import CARD_FOLDER
from ir_transfer.dataset.pixel_checks import check_orientations, check_pixels
from ir_transfer.dataset.plan import find_source
from ir_transfer.errors import InputError, IrTransferError
from ir_transfer.imaging.image_io import MAX_PIXELS, decode_image, read_bytes
from ir_transfer.inside import inside_path
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.frames import Orientation
from ir_transfer.labels.open import open_labelled


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
        InputError: No generated set, or a manifest with paths outside of it.
    """
    manifest = Manifest.load(out)
    if manifest is None or "labels" not in manifest.header.look:
        raise InputError(f"expected a set that ir-transfer dataset made in {out}, found no manifest of one")
    found: list[str] = []
    entries = list(manifest.entries.values())
    for entry in entries:
        found += _check_image(out, entry, max_pixels)
    hashes = read_hashes(out)
    found += [line for rel_path, digest in hashes.items() if (line := _check_hash(out, rel_path, digest)) is not None]
    root = source or find_source(manifest)
    look = manifest.header.look
    is_whole = "shard" not in look
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
        raise InputError(f"expected a whole set and its source, got {out} and {source}: merge shards, check the path")
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
