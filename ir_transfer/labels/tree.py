"""List of all files below the root of a set."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import composed, is_image_name

MAX_FILES = 20_000_000
MAX_DEPTH = 64


@dataclass
class Tree:
    """The files of a set, sorted.

    Attributes:
        root: Root folder.
        files: Paths of the files, relative to the root.
        folders: Paths of the folders with files at any depth; the root is ``.``.
        problems: Unreadable files and folders, with the reason.
        loaded: Content of label files that were read for detection, by path; pop it instead of reading them again.
    """

    root: Path
    files: tuple[PurePosixPath, ...] = ()
    folders: frozenset[PurePosixPath] = frozenset()
    problems: list[tuple[PurePosixPath, str]] = field(default_factory=list)
    loaded: dict[PurePosixPath, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def known(self) -> frozenset[PurePosixPath]:
        """The files as a set."""
        return frozenset(self.files)

    @cached_property
    def images(self) -> tuple[PurePosixPath, ...]:
        """Files that are images by their suffix."""
        return tuple(rel_path for rel_path in self.files if is_image_name(Path(rel_path.name)))

    @cached_property
    def _by_name(self) -> dict[str, list[PurePosixPath]]:
        return _grouped((composed(rel_path.name), rel_path) for rel_path in self.images)

    @cached_property
    def _by_stem(self) -> dict[str, list[PurePosixPath]]:
        return _grouped((composed(rel_path.stem), rel_path) for rel_path in self.images)

    @cached_property
    def _other_forms(self) -> dict[str, PurePosixPath]:
        rel_paths = (*self.files, *self.folders)
        return {composed(text): rel_path for rel_path in rel_paths if not (text := str(rel_path)).isascii()}

    def images_named(self, name: str) -> Sequence[PurePosixPath]:
        """Return the images with a file name, in any Unicode form."""
        return self._by_name.get(composed(name), ())

    def images_of_stem(self, stem: str) -> Sequence[PurePosixPath]:
        """Return the images with a stem, in any Unicode form."""
        return self._by_stem.get(composed(stem), ())

    def find(self, rel_path: PurePosixPath) -> PurePosixPath | None:
        """Return an existing file as spelled on disk, for a path in any Unicode form; None if it does not exist."""
        if rel_path in self.known:
            return rel_path
        found = self._other_forms.get(composed(str(rel_path)))
        return found if found in self.known else None

    def find_folder(self, rel_path: PurePosixPath) -> PurePosixPath | None:
        """Return an existing folder as spelled on disk, for a path in any Unicode form; None if it does not exist."""
        if rel_path in self.folders:
            return rel_path
        found = self._other_forms.get(composed(str(rel_path)))
        return found if found in self.folders else None

    def find_image(self, rel_path: PurePosixPath) -> PurePosixPath | None:
        """Return an existing image as spelled on disk, for a path in any Unicode form; None if it does not exist."""
        found = self.find(rel_path)
        return found if found is not None and is_image_name(Path(found.name)) else None

    def with_suffix(self, *suffixes: str) -> tuple[PurePosixPath, ...]:
        """Return the files with one of these suffixes, ignoring case."""
        return tuple(rel_path for rel_path in self.files if rel_path.suffix.lower() in suffixes)


def _grouped(pairs: Iterator[tuple[str, PurePosixPath]]) -> dict[str, list[PurePosixPath]]:
    groups: dict[str, list[PurePosixPath]] = defaultdict(list)
    for key, rel_path in pairs:
        groups[key].append(rel_path)
    return dict(groups)


def list_tree(root: Path, leave_out: Sequence[Path] = ()) -> Tree:
    """Return the files below a folder, without hidden ones.

    A link to a folder outside of the set is followed once, one to a folder inside is not, so that loops end.

    Args:
        root: Root folder.
        leave_out: Folders to skip, such as one for results.

    Raises:
        MissingFileError: The folder does not exist.
        DecodeError: The folder cannot be read.
        InputError: More than :data:`MAX_FILES` files.
    """
    if not root.is_dir():
        raise MissingFileError(f"expected a folder with a labelled set at {root}, found none: check the path")
    tree = Tree(root)
    left = {os.path.realpath(path) for path in leave_out}
    files = sorted(_walk(tree, root, PurePosixPath(), left | {os.path.realpath(root)}), key=str)
    if tree.problems and tree.problems[0][0] == PurePosixPath():
        raise DecodeError(f"{root}: expected a readable folder, got: {tree.problems[0][1]}: check its permissions")
    tree.files = tuple(files)
    tree.folders = frozenset(folder for rel_path in files for folder in rel_path.parents)
    return tree


def _kind(entry: os.DirEntry[str]) -> tuple[bool, bool]:
    """Return (is folder, is file) of an entry, with links followed."""
    try:
        return entry.is_dir(), entry.is_file()
    except OSError:  # a link to itself
        return False, False


def _walk(tree: Tree, folder: Path, rel_path: PurePosixPath, seen: set[str]) -> Iterator[PurePosixPath]:
    count = 0
    remaining = [(folder, rel_path)]
    inside = os.path.realpath(tree.root) + os.sep
    while remaining:
        folder, rel_path = remaining.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            tree.problems.append((rel_path, str(error.strerror)))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            here = rel_path / entry.name
            is_folder, is_file = _kind(entry)
            if is_folder and entry.is_symlink():
                real = os.path.realpath(entry.path)
                if real in seen or real.startswith(inside):
                    tree.problems.append((here, "a link to a folder that is read elsewhere, or a loop"))
                    continue
                seen.add(real)
            if is_folder:
                if len(here.parts) > MAX_DEPTH:
                    tree.problems.append((here, f"more than {MAX_DEPTH} folders deep"))
                elif os.path.realpath(entry.path) not in seen or entry.is_symlink():
                    remaining.append((folder / entry.name, here))
            elif is_file:
                count += 1
                if count > MAX_FILES:
                    raise InputError(f"{tree.root}: expected at most {MAX_FILES} files, got more: choose a folder")
                yield here
            elif entry.is_symlink():
                tree.problems.append((here, "a broken link"))
