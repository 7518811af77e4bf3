"""Paths relative to the root of a set; a path in a label file that leaves the set is rejected."""

import posixpath
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote

from ir_transfer.imaging.image_names import composed

_SPLIT = re.compile(r"(train|training|val|valid|validation|test|testing)\d*", re.IGNORECASE)
_SPLIT_NAMES = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}


def inside(folder: PurePosixPath, text: str) -> PurePosixPath | None:
    """Return a path relative to ``folder`` as a path relative to the root of the set; None if it leaves the set.

    Args:
        folder: Folder relative to the root.
        text: Path as written in a label file.
    """
    if not text or "\0" in text or is_absolute(text):
        return None
    normal = posixpath.normpath(f"{folder}/{text}")
    return None if normal == ".." or normal.startswith(("../", "/")) else PurePosixPath(normal)


def find_by_suffix(
    text: str, find: Callable[[PurePosixPath], PurePosixPath | None], spelled: bool = False
) -> PurePosixPath | None:
    """Return the file of the set that matches the longest suffix of a path written on another machine.

    Args:
        text: An absolute path, of Linux, macOS or Windows.
        find: Returns the existing file or folder for a path relative to the root; None if it does not exist.
        spelled: Whether ``text`` is one of its :func:`spellings`.
    """
    if not spelled:
        found = (find_by_suffix(one, find, spelled=True) for one in path_variants(text))
        return next((rel_path for rel_path in found if rel_path is not None), None)
    parts = [part for part in text.replace("\\", "/").split("/") if part not in {"", "."}]
    if ".." in parts:
        return None
    rel_paths = (find(PurePosixPath(*parts[start:])) for start in range(len(parts)))
    return next((rel_path for rel_path in rel_paths if rel_path is not None), None)


def path_variants(text: str) -> tuple[str, ...]:
    """Return the paths that a name in a label file may refer to, the most likely first.

    Windows separates folders by backslashes, browsers write ``%20`` for a space, and Label Studio names local files
    ``/data/local-files/?d=PATH``. A real name may contain any of these, so the
    unchanged text comes first.
    """
    _, is_query, path = text.partition("?d=")
    whole = [text, path] if is_query else [text]
    decoded = [way for one in whole if "\0" not in (way := unquote(one, errors="surrogateescape"))]
    return tuple(dict.fromkeys(way for one in (*whole, *decoded) for way in (one, one.replace("\\", "/"))))


def is_inside(rel_path: PurePosixPath) -> bool:
    """Return whether a relative path stays below the root; links are not resolved."""
    return (
        bool(rel_path.parts) and not rel_path.is_absolute() and ".." not in rel_path.parts and "\0" not in str(rel_path)
    )


def is_absolute(text: str) -> bool:
    """Return whether a path is absolute on POSIX or Windows, or is a URL."""
    return text.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+]*://", text) is not None


def relative(rel_path: PurePosixPath, folder: PurePosixPath) -> str:
    """Return a path of the set relative to a folder of the set."""
    return posixpath.relpath(str(rel_path), str(folder))


def renamed(label: PurePosixPath, image: PurePosixPath, result: PurePosixPath) -> PurePosixPath:
    """Return the path of a label file for a result: the folder of the source label, the stem of the result.

    Args:
        label: Label file of the source image.
        image: Source image; its stem may be a prefix of the stem of the label.
        result: Image that was made from it.
    """
    own, stem = composed(label.stem), composed(image.stem)
    if own == composed(image.name):  # a.jpg.json
        return label.with_name(result.name + label.suffix)
    if own.startswith(stem):
        return label.with_name(result.stem + own[len(stem) :] + label.suffix)
    if result.stem.startswith(image.stem):
        return label.with_name(label.stem + result.stem[len(image.stem) :] + label.suffix)
    return label.with_name(f"{label.stem}__{result.stem}{label.suffix}")


def split_from_names(parts: Iterable[str]) -> str | None:
    """Return the split of the first name that denotes one: ``train2017`` is ``train``, ``valid`` is ``val``."""
    for part in parts:
        if found := _SPLIT.fullmatch(part):
            name = found[1].lower()
            return _SPLIT_NAMES.get(name, name)
    return None


def split_of(rel_path: PurePosixPath) -> str | None:
    """Return the split that a parent folder denotes; None if none does."""
    return split_from_names(rel_path.parent.parts)


def differ_in_one_folder(first: PurePosixPath, second: PurePosixPath) -> bool:
    """Return whether two folders are equal or differ in one path component (``images/a`` and ``labels/a``)."""
    one, other = first.parts, second.parts
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 1
