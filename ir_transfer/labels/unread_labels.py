"""Detection of files that may hold labels of an unknown format: they are copied unchanged and reported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from pathlib import Path, PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import SUFFIXES, composed, is_image_name
from ir_transfer.labels.side_files import is_readme_or_licence, owners_of, read_side
from ir_transfer.labels.text_io import to_text
from ir_transfer.labels.tree import Tree

_PER_IMAGE = frozenset({".json", ".xml", ".geojson", ".npy", ".npz", ".mat", ".csv", ".dota"})
"""Suffixes of per-image files that usually hold labels."""
_TEXTS = frozenset({".json", ".jsonl", ".ndjson", ".geojson", ".odgt", ".csv", ".tsv", ".xml", ".txt", ".yaml", ".yml"})
_CONTAINERS = frozenset(
    {".parquet", ".tfrecord", ".tfrecords", ".record", ".mat", ".pkl", ".pickle", ".h5", ".hdf5", ".npy", ".npz"}
    | {".db", ".sqlite", ".arrow", ".feather"}
)
_SEPARATORS = re.compile(r"[\"',;<>|=\t\r\n/\\]+")
_NAME = re.compile(rf".*?(?:{'|'.join(map(re.escape, sorted(SUFFIXES)))})(?=\s|$)", re.IGNORECASE)
_MIN_STEM_LENGTH = 6  # characters; shorter stems are common numbers and words
_EXPECTED, _UNREAD = "expected labels of a known form", "not read and not checked"


def find_unread_labels(
    tree: Tree, claimed: Collection[PurePosixPath], images: Collection[PurePosixPath], *, texts: bool
) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield files that may hold labels and are not read, with a message for each.

    Args:
        tree: Files of the set.
        claimed: Files that the label format reads or reports.
        images: Images of the set.
        texts: Whether per-image text files may be labels; in sets of a known format they are calibration or notes.
    """
    own: dict[tuple[PurePosixPath, str], list[PurePosixPath]] = defaultdict(list)
    names = {composed(rel_path.name) for rel_path in images}
    names |= {stem for rel_path in images if len(stem := composed(rel_path.stem)) >= _MIN_STEM_LENGTH}
    for rel_path in tree.files:
        suffix = rel_path.suffix.lower()
        if rel_path in claimed or _is_no_label(rel_path):
            continue
        if owners_of(tree, rel_path, images):
            if suffix in _PER_IMAGE or (texts and suffix == ".txt"):
                own[rel_path.parent, suffix].append(rel_path)
        elif suffix in _CONTAINERS:
            yield rel_path, f"{_EXPECTED}, got a {suffix} file: copied unchanged, {_UNREAD}"
        elif suffix in _TEXTS and (count := _count_named(tree, rel_path, names)):
            what = f"got a file that names {count} images of the set: copied with the old names"
            yield rel_path, f"{_EXPECTED}, {what}, {_UNREAD}"
    for (folder, suffix), rel_paths in own.items():
        what = f"got {len(rel_paths)} {suffix} files of images (first: {rel_paths[0].name}): copied for each result"
        yield folder, f"{_EXPECTED}, {what}, {_UNREAD}"


def _is_no_label(rel_path: PurePosixPath) -> bool:
    return (
        is_image_name(Path(rel_path.name))
        or is_readme_or_licence(rel_path)
        or rel_path.name.lower().endswith(".aux.xml")
    )


def _count_named(tree: Tree, rel_path: PurePosixPath, names: Set[str]) -> int:
    """Return the number of images of the set that a text file names."""
    try:
        text = to_text(read_side(tree.root, rel_path))
    except (DecodeError, InputError):
        return 0  # reported as a side file
    found: set[str] = set()
    for part in _SEPARATORS.split(text):
        word = composed(part.strip())
        whole = _NAME.match(word)  # other columns may follow after a space
        found |= names & ({word, whole[0]} if whole else {word})
    return len(found)
