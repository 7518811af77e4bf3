"""Files of a set that are no labels to its format: licences, notes, measurements; they go along unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import is_image_name, is_unread_name
from ir_transfer.labels.paths import differ_in_one_folder, renamed
from ir_transfer.labels.text_io import MAX_SIDE_BYTES, printable, read_limited, to_text
from ir_transfer.labels.tree import Tree

_NEVER_COPIED = (
    *(".cache", ".part", ".lock"),  # what trainers leave; it names the old files
    *(".tif.aux.xml", ".tiff.aux.xml", ".ovr", ".msk"),  # what GDAL knows of the pixels of the source
)
_LICENCE = ("license", "licence", "copying", "copyright", "notice")

Results = Mapping[PurePosixPath, Sequence[PurePosixPath]]


def side_files(
    tree: Tree,
    claimed: Collection[PurePosixPath],
    images: Collection[PurePosixPath],
    results: Results,
    report: Callable[[PurePosixPath, str], None],
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield what no format understands, with its place in the output.

    A file with the stem or the name of an image, in its folder or in one beside it, goes with each image made from
    it. All others stay where they are.

    Args:
        tree: The set.
        claimed: Files that the format itself writes or leaves out.
        images: The images of the set.
        results: From their places to those of the images made from them.
        tell: Called with a file that is left out and the reason.
    """
    for rel_path in tree.files:
        if rel_path in claimed or _is_image(rel_path) or rel_path.name.lower().endswith(_NEVER_COPIED):
            continue
        try:
            data = read_side(tree.root, rel_path)
        except (DecodeError, InputError) as error:
            report(rel_path, f"left out: {error}")
            continue
        owners = owners_of(tree, rel_path, images)
        if not owners:
            yield rel_path, data
        for own in owners:
            yield from ((renamed(rel_path, own, result), data) for result in results.get(own, ()))


def _is_image(rel_path: PurePosixPath) -> bool:
    return is_image_name(Path(rel_path.name)) or is_unread_name(Path(rel_path.name))


def owners_of(tree: Tree, rel_path: PurePosixPath, images: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the images that a file goes with: of its stem or name, in its folder or in one beside it."""
    named = [*tree.images_of_stem(rel_path.stem), *tree.images_named(rel_path.stem)]
    return [own for own in named if own in images and differ_in_one_folder(rel_path.parent, own.parent)]


def is_readme_or_licence(rel_path: PurePosixPath) -> bool:
    """Return whether a file is a readme or a licence."""
    return rel_path.stem.lower() == "readme" or rel_path.name.lower().startswith(_LICENCE)


def read_side(root: Path, rel_path: PurePosixPath) -> bytes:
    """Return a file that is no label to its format.

    Raises:
        DecodeError: It cannot be read.
        InputError: It is too large, or a link that leaves the set.
    """
    path = root / rel_path
    # An archive from elsewhere may hold a link to a file that is nobody's business.
    if path.is_symlink() and not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        raise InputError(f"{path}: expected a file of the set, got a link that leaves it: copy the file")
    return read_limited(path, MAX_SIDE_BYTES)


def licence_files(tree: Tree) -> tuple[str, ...]:
    """Return the licence files as ``name: first line``."""
    found = []
    for rel_path in tree.files:
        if rel_path.name.lower().startswith(_LICENCE) and not is_image_name(Path(rel_path.name)):
            try:
                lines = to_text(read_side(tree.root, rel_path)).splitlines()
            except (DecodeError, InputError):  # told by the side files
                continue
            first = next((line.strip() for line in lines if line.strip()), "")
            found.append(printable(f"{rel_path}: {first[:200]}"))
    return tuple(found)


def readme_files(tree: Tree) -> tuple[PurePosixPath, ...]:
    """Return the files that introduce the set."""
    return tuple(p for p in tree.files if p.stem.lower() == "readme" and not is_image_name(Path(p.name)))
