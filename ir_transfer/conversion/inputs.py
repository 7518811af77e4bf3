"""Expands inputs (files, folders, globs, list files) to image files, each with its relative path in the output."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import SUFFIXES, ignored_text, is_image_name, is_sidecar_name, split_name
from ir_transfer.regular_files import open_regular

LIST_SUFFIXES = frozenset({".txt", ".lst"})
VIRTUAL = "/vsi"
"""Prefix of the paths of GDAL's virtual file systems."""
MANIFEST_NAME = "manifest.jsonl"
MANIFEST_START = b'{"kind": "header"'

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """An image file and its path relative to the input that it was found in.

    Paths are strings, since path objects of 200,000 files would take 100 MB more.

    Attributes:
        path: Path of the file.
        below: Path relative to the input, with ``/`` between folders; that of its result.
        virtual: GDAL path, if it is not a file.
    """

    path: str
    below: str
    virtual: str | None = None

    @property
    def source(self) -> Path:
        """Path of the file."""
        return Path(self.path)

    @property
    def place(self) -> PurePosixPath:
        """Path of its result below OUT."""
        return PurePosixPath(self.below)


def expand(inputs: Sequence[str], out: Path | None = None, ignored: Counter[str] | None = None) -> list[Found]:
    """Return the image files of the inputs, in the order of the inputs and sorted within each folder.

    Folders are searched recursively, and relative paths are kept. Hidden files, files without an image suffix, ``out``
    and other folders with a manifest of this package are skipped. Relative paths of single files, of the matches of a
    glob and of the entries of a list file start at their common folder.

    Args:
        inputs: Files, folders, GDAL paths such as ``/vsizip/a.zip/b.tif``, globs (``**`` searches sub-folders, but
            not linked ones) and list files (.txt or .lst, one path per line, relative to the folder of the list; ``#``
            starts a comment).
        out: Folder of the results.
        ignored: Counts the files in folders that are not images, by suffix.

    Raises:
        MissingFileError: An input does not exist, or a glob matches nothing.
        InputError: An empty name, or a folder or list without images.
        DecodeError: A folder or list that cannot be read.
    """
    found: list[Found] = []
    single: list[Path] = []
    ignored = Counter() if ignored is None else ignored
    for text in inputs:
        if not text:  # such as an unset shell variable; Path("") would be the working folder
            raise InputError(
                "expected a file, folder, glob or list file as input, got an empty name: check the command"
            )
        path = Path(text)
        if text.startswith(VIRTUAL):
            found.append(Found(str(path), _virtual_name(text), text))
        elif path.is_dir():
            real_out = None if out is None else os.path.realpath(out)
            found += _non_empty(list(_walk(str(path), "", real_out, (), ignored)), f"folder {path}", ignored)
        elif not path.exists() and glob.has_magic(text):
            found += _below_common_folder(_matches(text, out))
        elif not path.exists() and not path.is_symlink():
            raise MissingFileError(f"expected the input {text} to exist, found none: check the path")
        elif path.suffix.lower() in LIST_SUFFIXES:
            found += _non_empty(_below_common_folder(_listed(path)), f"list file {path}")
        else:
            single.append(path)
    return list(dict.fromkeys(found + _below_common_folder(single)))


def _virtual_name(text: str) -> str:
    """Return the file name of a GDAL path, without the query of a URL, which may hold secrets."""
    if text.startswith("/vsicurl?"):
        text = parse_qs(text.partition("?")[2]).get("url", [""])[0]
    elif not text.startswith("/vsicurl"):
        return Path(text).name
    return Path(text.partition("?")[0]).name


def check_out(out: Path) -> None:
    """Raise :class:`InputError` for a folder of results in an archive, which only inputs can be in."""
    if str(out).startswith(VIRTUAL):
        raise InputError(f"expected -o to name a folder, got {out}, a path of GDAL: choose another")


def default_out(inputs: Sequence[str]) -> Path:
    """Return ``<input>_ir``, beside the input.

    Raises:
        InputError: There are several inputs, one in an archive, or one without a name (``/``).
    """
    if len(inputs) != 1:
        raise InputError(f"expected -o OUT with {len(inputs)} inputs, got none: set the output folder")
    path = Path(inputs[0])
    if inputs[0].startswith(VIRTUAL):
        raise InputError(f"expected -o OUT with the input {inputs[0]}, got none: name the folder of the results")
    if not path.exists() and glob.has_magic(inputs[0]):
        path = _fixed_folder(inputs[0])
    path = path.resolve()
    if not path.name:
        raise InputError(f"expected -o OUT with the input {inputs[0]}, got none: name the folder of the results")
    return path.with_name(f"{path.name if path.is_dir() else path.stem}_ir")


def _non_empty(found: list[Found], where: str, ignored: Mapping[str, int] | None = None) -> list[Found]:
    if not found:
        others = f" ({ignored_text(ignored)})" if ignored else ""
        raise InputError(f"expected images in {where}, found none{others}: it takes {', '.join(sorted(SUFFIXES))}")
    return found


def _walk(
    folder: str, below: str, real_out: str | None, above: tuple[str, ...], ignored: Counter[str]
) -> Iterator[Found]:
    """Yield the images in a folder.

    Args:
        folder: The folder.
        below: Its path relative to the input; empty for the input itself.
        real_out: Real path of the folder of the results, which is skipped.
        above: Real paths of its parents, to detect loops of links.
        ignored: Counts other files by suffix.
    """
    real = os.path.realpath(folder)
    if real in above or real == real_out:
        return
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        if below:  # becomes a failed line of the manifest, without stopping the run
            yield Found(folder, below)
            return
        raise DecodeError(
            f"{folder}: expected a readable folder, got: {error.strerror}: check its permissions"
        ) from error
    if below and any(entry.name == MANIFEST_NAME for entry in entries) and _holds_results(Path(folder)):
        logger.info("%s contains results of an earlier run: skipped", folder)
        return
    start = "" if folder == os.curdir else os.path.join(folder, "")  # noqa: PTH118  # strings, to save memory
    for entry in entries:
        name = entry.name
        if name.startswith("."):
            continue
        place = f"{below}/{name}" if below else name
        suffix = split_name(name)[1].lower()
        if _is_folder(entry):
            yield from _walk(start + name, place, real_out, (*above, real), ignored)
        elif suffix in SUFFIXES or suffix == ".vrt":
            yield Found(start + name, place)
        elif not is_sidecar_name(name):
            ignored[suffix] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link
        return False


def _holds_results(folder: Path) -> bool:
    """Return whether a folder has a manifest of this package, not of another tool that uses the same name."""
    path = folder / MANIFEST_NAME
    try:
        if not path.is_file():
            return False
        with open_regular(path) as file:
            return file.read(len(MANIFEST_START)) == MANIFEST_START
    except OSError as error:
        raise DecodeError(f"{path}: expected a readable file, got: {error.strerror}: check its permissions") from error


def _fixed_folder(pattern: str) -> Path:
    """Return the folder before the first wildcard."""
    parts = Path(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:fixed])


def _matches(pattern: str, out: Path | None) -> list[Path]:
    real_out = os.path.realpath(out) + os.sep if out is not None else None
    paths = [
        path
        for path in sorted(_glob(pattern))
        if is_image_name(path) and not path.is_dir()
        if real_out is None or not os.path.realpath(path).startswith(real_out)
    ]
    if not paths:
        raise MissingFileError(f"expected images that match {pattern!r}, found none: check the pattern")
    return paths


def _glob(pattern: str) -> Iterator[Path]:
    """Yield the matches, except hidden ones; ``**`` does not follow links, which could form loops."""
    folder = _fixed_folder(pattern)
    rest = Path(pattern).relative_to(folder)
    try:
        for path in folder.glob(str(rest)):
            if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                yield path
    except ValueError as error:  # "**.png" in Python below 3.13
        raise InputError(f"expected a pattern such as 'photos/**/*.png', got {pattern!r}: {error}") from error


def _listed(path: Path) -> list[Path]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DecodeError(f"{path}: expected a readable file, got: {error.strerror}: check its permissions") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without a byte order mark may be valid UTF-8
        raise DecodeError(f"{path}: expected UTF-8 text with one path per line, got other bytes: save it as UTF-8")
    entries = [line.strip() for line in text.splitlines()]
    paths = [path.parent / entry for entry in entries if entry and not entry.startswith("#")]
    if not all(entry.name for entry in paths):
        raise DecodeError(f"{path}: expected one image file per line, got the line '/': remove it")
    return paths


def _below_common_folder(paths: Sequence[Path]) -> list[Found]:
    if not paths:
        return []
    absolute = [Path(os.path.normpath(Path.cwd() / path)) for path in paths]
    common = os.path.commonpath([path.parent for path in absolute])
    places = [path.relative_to(common).as_posix() for path in absolute]
    return [Found(str(path), place) for path, place in zip(paths, places, strict=True)]
