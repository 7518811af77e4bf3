"""Files of a set that are no labels to its format: licences, notes, measurements; they go along unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import is_image_name, is_unread_name
from ir_transfer.labels.places import differ_in_one_folder, renamed
from ir_transfer.labels.texts import MAX_SIDE_BYTES, printable, read_limited, to_text
from ir_transfer.labels.tree import Tree

_NEVER = (
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
    tell: Callable[[PurePosixPath, str], None],
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
    for place in tree.files:
        if place in claimed or _is_image(place) or place.name.lower().endswith(_NEVER):
            continue
        try:
            data = read_side(tree.root, place)
        except (DecodeError, InputError) as error:
            tell(place, f"left out: {error}")
            continue
        owners = owners_of(tree, place, images)
        if not owners:
            yield place, data
        for own in owners:
            yield from ((renamed(place, own, result), data) for result in results.get(own, ()))


def _is_image(place: PurePosixPath) -> bool:
    return is_image_name(Path(place.name)) or is_unread_name(Path(place.name))


def owners_of(tree: Tree, place: PurePosixPath, images: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the images that a file goes with: of its stem or name, in its folder or in one beside it."""
    named = [*tree.images_of_stem(place.stem), *tree.images_named(place.stem)]
    return [own for own in named if own in images and differ_in_one_folder(place.parent, own.parent)]


def introduces(place: PurePosixPath) -> bool:
    """Return whether a file is a readme or a licence."""
    return place.stem.lower() == "readme" or place.name.lower().startswith(_LICENCE)


def read_side(root: Path, place: PurePosixPath) -> bytes:
    """Return a file that is no label to its format.

    Raises:
        DecodeError: It cannot be read.
        InputError: It is too large, or a link that leaves the set.
    """
    path = root / place
    # An archive from elsewhere may hold a link to a file that is nobody's business.
    if path.is_symlink() and not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        raise InputError(f"{path}: expected a file of the set, got a link that leaves it: copy the file")
    return read_limited(path, MAX_SIDE_BYTES)


def licence_files(tree: Tree) -> tuple[str, ...]:
    """Return the licence files as ``name: first line``."""
    found = []
    for place in tree.files:
        if place.name.lower().startswith(_LICENCE) and not is_image_name(Path(place.name)):
            try:
                lines = to_text(read_side(tree.root, place)).splitlines()
            except (DecodeError, InputError):  # told by the side files
                continue
            first = next((line.strip() for line in lines if line.strip()), "")
            found.append(printable(f"{place}: {first[:200]}"))
    return tuple(found)


def readme_files(tree: Tree) -> tuple[PurePosixPath, ...]:
    """Return the files that introduce the set."""
    return tuple(p for p in tree.files if p.stem.lower() == "readme" and not is_image_name(Path(p.name)))
