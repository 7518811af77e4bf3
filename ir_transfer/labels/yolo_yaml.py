"""The ``data.yaml`` of a YOLO set: folders or lists of its splits, and names of its classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.labels.paths import find_by_suffix, inside, is_absolute, path_variants, relative
from ir_transfer.labels.text_io import MAX_YAML_BYTES, read_limited
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.yaml_text import load_mapping, with_values

SPLIT_KEYS = ("train", "val", "validation", "test", "minival")
_MAX_DEPTH = 2
_INFO_KEYS = ("description", "license", "url", "author", "version", "date")


@dataclass(frozen=True)
class Entry:
    """A folder or list of a split.

    Attributes:
        key: Key of the split in the file, such as ``train``.
        text: Path as written in the file.
        rel_path: Path of the folder or list relative to the root of the set; None if it is not below the root.
    """

    key: str
    text: str
    rel_path: PurePosixPath | None


class DataYaml:
    """A ``data.yaml``.

    Args:
        rel_path: Path of the file relative to the root of the set.
        text: Content of the file.
        tree: Files of the set.

    Attributes:
        entries: Folders and lists of all splits, in the order of :data:`SPLIT_KEYS`.
        names: Class names by class number.
        keypoint_numbers: Count of numbers after the box of a label line; 0 without keypoints.
        info: Description, licence and similar fields of the file.

    Raises:
        InputError: No mapping with ``names`` or ``nc`` and at least one split.
    """

    def __init__(self, rel_path: PurePosixPath, text: str, tree: Tree) -> None:
        self.rel_path = rel_path
        self._text = text
        self._tree = tree
        self._raw = load_mapping(text)
        if not ({"names", "nc"} & self._raw.keys() and set(SPLIT_KEYS) & self._raw.keys()):
            raise InputError("expected names and train or val, got another layout")
        self.entries = [Entry(key, text, self._find(text)) for key in SPLIT_KEYS for text in _texts(self._raw.get(key))]
        self.names = _names(self._raw)
        shape = self._raw.get("kpt_shape")
        whole = isinstance(shape, list) and all(isinstance(side, int) and 0 < side < 10_000 for side in shape)
        self.keypoint_numbers = math.prod(shape) if whole and isinstance(shape, list) else 0
        self.info = {
            key: str(self._raw[key]) for key in _INFO_KEYS if isinstance(self._raw.get(key), str | int | float)
        }
        nested = self._raw.get("roboflow")
        if isinstance(nested, dict):
            self.info |= {str(k): str(v) for k, v in nested.items() if isinstance(v, str | int | float)}

    @property
    def bases(self) -> list[PurePosixPath]:
        """Folders that the paths may be relative to, the most likely first."""
        stated, own = self._raw.get("path"), self.rel_path.parent
        found: list[PurePosixPath | None] = []
        if isinstance(stated, str) and stated:
            if is_absolute(stated):
                found.append(find_by_suffix(stated, self._tree.find_folder))
            else:
                found += [inside(own, stated), inside(PurePosixPath(), stated)]
        return list(dict.fromkeys(base for base in [*found, own, PurePosixPath()] if base is not None))

    def _find(self, text: str) -> PurePosixPath | None:
        """Return the folder or file that an entry names; a leading ``../`` is dropped if nothing exists there."""
        if is_absolute(text):
            return find_by_suffix(text, self._tree.find_folder) or find_by_suffix(text, self._tree.find)
        ways = path_variants(text)
        for way in (*ways, *(way.removeprefix("../") for way in ways)):
            for base in self.bases:
                rel_path = inside(base, way)
                found = None if rel_path is None else self._tree.find_folder(rel_path) or self._tree.find(rel_path)
                if found is not None:
                    return found
        return None

    def rewritten(self, origin: Mapping[str, str]) -> str:
        """Return the text for the new set, with paths relative to the folder of the file, so that the set can be moved.

        Trainers resolve an empty ``path`` to the folder of the file, and ``.`` to their working directory.
        """
        values: dict[str, Any] = {"path": ""} if self._raw.get("path") is not None else {}
        for key in SPLIT_KEYS:
            rel_paths = [entry.rel_path for entry in self.entries if entry.key == key and entry.rel_path is not None]
            texts = [relative(rel_path, self.rel_path.parent) for rel_path in rel_paths]
            if isinstance(self._raw.get(key), list):
                values[key] = texts
            elif self._raw.get(key) is not None:
                values[key] = texts[0] if texts else None
        if origin:
            values["ir_transfer"] = dict(origin)
        return with_values(self._text, values)


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]


def _names(raw: Mapping[str, Any]) -> dict[int, str]:
    names, count = raw.get("names"), raw.get("nc")
    if isinstance(names, list):
        names = dict(enumerate(names))
    if isinstance(names, dict):
        pairs = ((key, name) for key, name in names.items() if isinstance(name, str | int | float))
        return {int(key): str(name) for key, name in pairs if isinstance(key, int) or str(key).isdigit()}
    return {number: str(number) for number in range(count)} if isinstance(count, int) and count < 100_000 else {}


def data_yamls(tree: Tree) -> tuple[list[DataYaml], list[tuple[PurePosixPath, str]]]:
    """Return the ``data.yaml`` files at most one folder below the root, and unreadable ones with the reason."""
    found: list[DataYaml] = []
    broken: list[tuple[PurePosixPath, str]] = []
    for rel_path in tree.with_suffix(".yaml", ".yml"):
        if len(rel_path.parts) <= _MAX_DEPTH:
            try:
                text = read_limited(tree.root / rel_path, MAX_YAML_BYTES).decode()
                found.append(DataYaml(rel_path, text, tree))
            except (InputError, DecodeError, UnicodeDecodeError) as error:
                if rel_path.stem.lower() in {"data", "dataset"}:
                    broken.append((rel_path, str(error)))
    return found, broken
