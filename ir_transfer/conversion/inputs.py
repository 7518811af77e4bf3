"""What the user named (files, folders, globs, list files) to picture files with the place each keeps in the output."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ir_transfer.data.image_io import SUFFIXES, is_picture_name
from ir_transfer.errors import DecodeError, InputError, MissingFileError

LIST_SUFFIXES = frozenset({".txt", ".lst"})
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Found:
    """A picture file and its place: the sub-folder and name below the input that led to it."""

    source: Path
    place: PurePosixPath


def expand(inputs: Sequence[str], out: Path | None = None) -> list[Found]:
    """Return the picture files that the inputs stand for, in the order of the inputs, each folder sorted.

    A folder is searched with its sub-folders and keeps them; hidden files, files that are no picture by
    their suffix, ``out`` and other folders that hold a manifest of this package are left out. Files named one
    by one, a glob's matches and a list file's entries keep what lies below their common folder.

    Args:
        inputs: Files, folders, globs (``**`` searches sub-folders) and list files (.txt or .lst, one path a
            line, relative to the list's folder; ``#`` starts a comment).
        out: The folder of the results.

    Raises:
        MissingFileError: An input does not exist, or a glob matches nothing.
        InputError: A folder or list holds no picture.
    """
    found: list[Found] = []
    single: list[Path] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found += _non_empty(list(_walk(path, path, out, ())), f"folder {path}")
        elif not path.exists() and glob.has_magic(text):
            found += _below_common_folder(_matches(text, out))
        elif not path.exists() and not path.is_symlink():
            raise MissingFileError(f"expected the input {text} to exist, found none: check the path")
        elif path.suffix.lower() in LIST_SUFFIXES:
            found += _non_empty(_below_common_folder(_listed(path)), f"list file {path}")
        else:
            single.append(path)
    return list(dict.fromkeys(found + _below_common_folder(single)))


def default_out(inputs: Sequence[str]) -> Path:
    """Return ``<input>_ir``, beside the input.

    Raises:
        InputError: There are several inputs, so none gives its name.
    """
    if len(inputs) != 1:
        raise InputError(f"expected -o OUT with {len(inputs)} inputs, got none: name the folder of the results")
    path = Path(inputs[0])
    if not path.exists() and glob.has_magic(inputs[0]):
        path = _fixed_folder(inputs[0])
    path = path.resolve()
    return path.with_name(f"{path.name if path.is_dir() else path.stem}_ir")


def _non_empty(found: list[Found], where: str) -> list[Found]:
    if not found:
        raise InputError(f"expected pictures in {where}, found none: it takes {', '.join(sorted(SUFFIXES))}")
    return found


def _walk(folder: Path, root: Path, out: Path | None, above: tuple[str, ...]) -> Iterator[Found]:
    real = os.path.realpath(folder)
    if real in above or (out is not None and real == os.path.realpath(out)):  # a link back up is a loop
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise DecodeError(
            f"{folder}: expected a readable folder, got: {error.strerror}: check its permissions"
        ) from error
    if folder != root and any(entry.name == MANIFEST_NAME for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, root, out, (*above, real))
        elif is_picture_name(entry):
            yield Found(entry, PurePosixPath(entry.relative_to(root).as_posix()))


def _fixed_folder(pattern: str) -> Path:
    """Return the folder before the first wildcard."""
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _matches(pattern: str, out: Path | None) -> list[Path]:
    real_out = os.path.realpath(out) + os.sep if out is not None else None
    paths = [
        Path(name)
        for name in sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if is_picture_name(Path(name)) and not Path(name).is_dir()
        if real_out is None or not os.path.realpath(name).startswith(real_out)
    ]
    if not paths:
        raise MissingFileError(f"expected pictures that match {pattern!r}, found none: check the pattern")
    return paths


def _listed(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"{path}: expected a UTF-8 text file with one path a line, got: {error}") from error
    entries = [line.strip() for line in lines]
    return [path.parent / entry for entry in entries if entry and not entry.startswith("#")]


def _below_common_folder(paths: Sequence[Path]) -> list[Found]:
    if not paths:
        return []
    absolute = [Path(os.path.normpath(Path.cwd() / path)) for path in paths]
    common = os.path.commonpath([path.parent for path in absolute])
    places = [PurePosixPath(path.relative_to(common).as_posix()) for path in absolute]
    return [Found(path, place) for path, place in zip(paths, places, strict=True)]
