r"""Path patterns such as ``{part:train|test}/vi/{id}.png``, which find and name files.

A field ``{name}`` matches any text without a slash, ``{name:regex}`` a regular expression; a field that occurs twice
has the same value. ``*`` matches any text, and ``.*`` at the end the suffix of any image.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_names import composed

_SUFFIX = r"\.(?i:png|jpe?g|jfif|tiff?|bmp|webp)"
_TOKEN = re.compile(r"\{(?P<name>\w+)(?::(?P<regex>[^{}]*))?\}|(?P<any>\*)|(?P<text>[^{}*]+)")


@dataclass(frozen=True)
class NamePattern:
    """A path below a root, with fields.

    Attributes:
        text: The pattern, with forward slashes.

    Raises:
        InputError: Unbalanced braces, an invalid regular expression, or a path outside of the root.
    """

    text: str

    def __post_init__(self) -> None:
        parts = self.text.split("/")
        if not self.text or "" in parts or ".." in parts:
            raise InputError(f"expected a relative path pattern such as 'rgb/{{id}}.png', got {self.text!r}")
        for depth in range(len(parts)):
            self._regex(depth, {})

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields in order."""
        named = (match["name"] for segment in self.text.split("/") for match in _tokens(segment, self.text))
        return tuple(dict.fromkeys(name for name in named if name))

    @cached_property
    def folder(self) -> str:
        """The leading folders without a field; empty if there are none."""
        fixed = []
        for segment in self.text.split("/")[:-1]:
            if "{" in segment or "*" in segment:
                break
            fixed.append(segment)
        return "/".join(fixed)

    def _regex(self, depth: int, known: Mapping[str, str]) -> re.Pattern[str]:
        """Return the regular expression for the name at a depth; fields of the folders above are literal text."""
        segments = self.text.split("/")
        return _segment_regex(segments[depth], self.text, known, is_file=depth == len(segments) - 1)

    def find(self, root: Path) -> dict[tuple[str, ...], Path]:
        """Return the matching files below ``root`` by the values of :attr:`fields`, sorted by these.

        Values are in Unicode's composed form (NFC). Hidden files are left out. Of two files that differ only in their
        suffix, the later name is used.
        """
        found = dict(self._walk(root, 0, {}))
        return {key: found[key] for key in sorted(found)}

    def _walk(self, folder: Path, depth: int, known: dict[str, str]) -> Iterator[tuple[tuple[str, ...], Path]]:
        is_last = depth == self.text.count("/")
        if not folder.is_dir():
            return
        regex = self._regex(depth, known)
        for path in sorted(folder.iterdir()):
            match = None if path.name.startswith(".") else regex.fullmatch(composed(path.name))
            if match is None or path.is_dir() == is_last:
                continue
            values = {**known, **match.groupdict()}
            if is_last:
                yield tuple(values[name] for name in self.fields), path
            else:
                yield from self._walk(path, depth + 1, values)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the fields of a path below the root, or None if it does not match."""
        known: dict[str, str] = {}
        if path.count("/") != self.text.count("/"):
            return None
        for depth, name in enumerate(path.split("/")):
            found = self._regex(depth, known).fullmatch(composed(name))
            if found is None:
                return None
            known |= found.groupdict()
        return known

    def fill(self, values: Mapping[str, str], suffix: str = ".png") -> str:
        """Return the path with these values in its fields and ``suffix`` in place of ``.*``.

        Raises:
            InputError: A field without a value.
        """
        text = self.text.removesuffix(".*") + suffix if self.text.endswith(".*") else self.text
        if missing := [name for name in self.fields if name not in values]:
            raise InputError(f"expected a value for the field {missing[0]!r} of {self.text!r}, got {dict(values)}")
        return _TOKEN.sub(lambda m: values[m["name"]] if m["name"] else "" if m["any"] else m["text"], text)


def _tokens(segment: str, pattern: str) -> list[re.Match[str]]:
    tokens = list(_TOKEN.finditer(segment))
    if sum(len(t[0]) for t in tokens) != len(segment):
        raise InputError(f"expected fields such as {{id}} in the pattern {pattern!r}, got an unbalanced brace")
    return tokens


def _segment_regex(segment: str, pattern: str, known: Mapping[str, str], *, is_file: bool) -> re.Pattern[str]:
    any_suffix = is_file and segment.endswith(".*")
    parts, seen = [], set[str]()
    for token in _tokens(segment.removesuffix(".*") if any_suffix else segment, pattern):
        name = token["name"]
        if not name:
            parts.append("[^/]*" if token["any"] else re.escape(token["text"]))
        elif name in known:
            parts.append(re.escape(known[name]))
        else:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{token['regex'] or '[^/]+'})")
            seen.add(name)
    try:
        return re.compile("".join(parts) + (_SUFFIX if any_suffix else ""))
    except re.error as error:
        raise InputError(f"expected regular expressions in the fields of {pattern!r}, got: {error}") from error
