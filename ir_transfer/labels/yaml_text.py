"""Text-preserving edits of YAML: only the values that must change are replaced.

Hand-written, because ruamel.yaml re-indents lists, drops comments inside ``[...]`` and CRLF line ends, and refuses
tabs and repeated keys that the trainers' PyYAML accepts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from ir_transfer.errors import InputError

MAX_NODES = 1_000_000
"""Limit of the nodes of a document with its aliases expanded."""
MAX_NESTING = 100
"""Limit of nested brackets, since parsing takes quadratic time in it."""
_BRACKETS = re.compile(r"[\[\]{}]")
_PLAIN = re.compile(r"[A-Za-z_.][\w./-]*")


def load_mapping(text: str) -> dict[str, Any]:
    """Return the mapping of a document.

    Raises:
        InputError: No YAML, no mapping, or aliases that expand to more than :data:`MAX_NODES` values.
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
        raise InputError(f"expected YAML, got: {' '.join(str(error).split())[:200]}") from error
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
