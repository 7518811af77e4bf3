"""The ``data.yaml`` of a YOLO set: splits and class names, and edits that keep its comments and layout.

Edits are hand-written, because ruamel.yaml re-indents lists, drops comments inside ``[...]`` and CRLF line ends, and
refuses tabs and repeated keys that the trainers' PyYAML accepts.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from ir_transfer.errors import DecodeError, InputError, one_line
from ir_transfer.labels.paths import find_by_suffix, inside, is_absolute, path_variants, relative
from ir_transfer.labels.text_io import MAX_YAML_BYTES, read_limited
from ir_transfer.labels.tree import Tree

MAX_NODES = 1_000_000
"""Limit of the nodes of a document with its aliases expanded."""
MAX_NESTING = 100
"""Limit of nested brackets, since parsing takes quadratic time in it."""
_BRACKETS = re.compile(r"[\[\]{}]")
_PLAIN = re.compile(r"[A-Za-z_.][\w./-]*")


def load_mapping(text: str) -> dict[str, Any]:
    """Return the mapping of a document.

    Raises:
        InputError: Not YAML, not a mapping, or aliases that expand to more than :data:`MAX_NODES` values.
    """
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTING:
            raise InputError(f"expected YAML, got brackets {MAX_NESTING} deep")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        raw = None
        if node is not None:
            _count_nodes(node, {})
            raw = loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:  # also InputError
        raise InputError(f"expected YAML, got: {one_line(error)}") from error
    if not isinstance(raw, dict):
        raise InputError(f"expected a mapping, got {type(raw).__name__}")
    return raw


def _count_nodes(node: yaml.Node, known: dict[int, int]) -> int:
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MAX_NODES + 1  # a node that contains itself
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    size = 1 + sum(_count_nodes(child, known) for child in children)
    if size > MAX_NODES:
        raise InputError(f"expected at most {MAX_NODES} values, got aliases that hold more")
    known[id(node)] = size
    return size


def with_values(text: str, values: Mapping[str, Any]) -> str:
    """Return a document with new values for some top-level keys; comments and all other text are unchanged.

    New keys are appended. A document that cannot be edited so is dumped anew, without its comments.

    Args:
        text: YAML text of a mapping.
        values: Strings, lists of strings, mappings or None by key.
    """
    raw = load_mapping(text)
    wanted = {**raw, **values}
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    pieces: list[str] = []
    at = 0
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name = str(key.value)
        if name in values and raw.get(name) != values[name] and value.start_mark.index >= at:
            is_dashed = isinstance(value, yaml.SequenceNode) and not value.flow_style
            # The end mark of a block list is at the next key, after comments; that of its last item is not.
            end = value.value[-1].end_mark.index if is_dashed else value.end_mark.index
            new = values[name]
            if is_dashed and new and isinstance(new, list):
                start = text.rfind("\n", 0, value.start_mark.index) + 1
                between = f"\n{text[start : value.start_mark.index]}- "
                written = f"- {between.join(map(_yaml_text, new))}"
            else:
                written = _yaml_text(new)
            pieces += [text[at : value.start_mark.index], written]
            at = end
    pieces.append(text[at:])
    added = [f"{key}: {_yaml_text(value)}\n" for key, value in values.items() if key not in raw]
    if added and not text.endswith("\n"):
        pieces.append("\n")
    pieces += added
    changed = "".join(pieces)
    try:
        if load_mapping(changed) == wanted:
            return changed
    except InputError:
        pass  # the value had an anchor that is used elsewhere, the mapping is in braces, or a block list became empty
    return yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)


def _yaml_text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml_text, value))}]"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    is_plain = _PLAIN.fullmatch(value) is not None and yaml.safe_load(value) == value
    return value if is_plain else json.dumps(value, ensure_ascii=False)


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
        InputError: Not a mapping with ``names`` or ``nc`` and at least one split.
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
