"""manifest.jsonl: a header that says how the images were made, then a line for each input; it survives a kill."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self

from ir_transfer.conversion.inputs import MANIFEST_NAME, MANIFEST_START
from ir_transfer.conversion.manifest_checks import by_contents, check_entry, check_header
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.image_io import write_parts, write_whole
from ir_transfer.imaging.remote import is_remote, publish
from ir_transfer.json_files import json_text, parse_json
from ir_transfer.redaction import holds_url, redacted

FORMAT = 1
_MOST_COMMON = 10_000
_COMMON = ("variant", "raster", "reading")
_UNWRITTEN = {"compression": "small"}
"""What holds for a manifest from before there was such a choice, so that an error names the value to resume with."""
_CONVERTED = b'"status": "converted"'
CHECKPOINT_SECONDS = 30.0
"""After these a remote manifest is brought up to date."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one input.

    Attributes:
        input: The file, as it was found; in a data set its place below the root of the source.
        output: Where the image lies below OUT; None if another input took its place.
        status: ``"converted"`` or ``"failed"``; what a resumed run leaves as it is keeps its line.
        input_sha256: None if it could not be read.
        output_sha256: None if none was written.
        width: Columns of the result.
        height: Rows of the result.
        bit_depth: Of the input.
        error: Why it failed.
        masks_sha256: Of all its masks; None without masks.
        companions_sha256: Of the sidecars and tiles that it consists of besides its own file; None without any.
        variant: How it was made, where results of the run differ in that.
        raster: Bands, levels and tiles of a raster.
        reading: How the input was read: profile, orientation, page, bands, share that is transparent; and ``notes`` on
            what could not be followed or kept.
        found: How many objects of each class were found in it by ``--heat auto``.
        stored_orientation: EXIF orientation of an RGB image whose result has the frame of the stored pixels, as its
            labels have; None if it is upright.
        heated: Number of ``objects`` that ``--heat`` shifted and of ``pixels`` they have, by class.
    """

    input: str
    output: str | None
    status: Literal["converted", "failed"]
    input_sha256: str | None = None
    output_sha256: str | None = None
    width: int | None = None
    height: int | None = None
    bit_depth: int | None = None
    error: str | None = None
    masks_sha256: str | None = None
    companions_sha256: str | None = None
    variant: Mapping[str, Any] | None = None
    raster: Mapping[str, Any] | None = None
    reading: Mapping[str, Any] | None = None
    found: Mapping[str, int] | None = None
    heated: Mapping[str, Mapping[str, int]] | None = None
    stored_orientation: int | None = None

    @property
    def key(self) -> str:
        """What the line is about: one output has one line, the latest."""
        return self.output if self.output is not None else f"input:{self.input}"


@dataclass(frozen=True)
class Header:
    """How the images of a folder were made.

    Attributes:
        command: As typed.
        look: All that decides the pixels: model, weights, style, options, seed. One folder has one look.
        versions: Of this package and what computes, and the device: may change them in the last digit.
        source: Root of the data set that it was made from, where it was one; its inputs are relative to that.
        source_from_here: The way to it from the folder of the manifest, which holds where both have been moved.
        settings: Options that were not typed: the ``value`` of each, and the file or variable it is ``from``.
    """

    command: str
    look: Mapping[str, Any]
    versions: Mapping[str, str]
    source: str | None = None
    source_from_here: str | None = None
    kind: str = "header"
    format: int = FORMAT
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def refuse_other_settings(self, asked: Mapping[str, Any], path: Path) -> None:
        """Raise :class:`InputError` unless ``asked`` is this very look, whatever the paths of its exemplars."""
        asked = redacted(asked)
        unwritten = {key: value for key, value in _UNWRITTEN.items() if key in asked}
        made, wanted = by_contents({**unwritten, **self.look}), by_contents(asked)
        for key in sorted(made.keys() | wanted.keys()):
            if made.get(key) != wanted.get(key):
                raise InputError(
                    f"expected {key}={json_text(made.get(key))} as in {path}, got {json_text(asked.get(key))}: "
                    "one folder keeps one look; use the same options, --overwrite, or another -o"
                )


class _Shared:
    """Makes entries that have equal values in common: thousands of lines mostly say the same of how they were made."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def entry(self, record: Mapping[str, Any]) -> Entry:
        """Return the entry of a line."""
        common = {name: self._common(value) for name in _COMMON if (value := record.get(name)) is not None}
        return Entry(**{**record, **common})

    def _common(self, value: Any) -> Any:
        text = json_text(value)
        if len(self._values) > _MOST_COMMON:  # lines that all differ have nothing in common
            self._values.clear()
        return self._values.setdefault(text, value)


@dataclass
class Manifest:
    """The manifest of a folder, open for appending.

    Attributes:
        path: The file.
        header: Its first line.
        entries: The latest line for each key.
    """

    path: Path
    header: Header
    entries: dict[str, Entry] = field(default_factory=dict)
    _handle: int | None = None
    _shared: _Shared = field(default_factory=_Shared)
    _published: float = 0.0
    _behind: bool = False

    @classmethod
    def create(cls, out: Path, header: Header) -> Self:
        """Start a new manifest, replacing an older one."""
        manifest = cls(out / MANIFEST_NAME, redacted(header))
        manifest._rewrite(())
        return manifest

    @classmethod
    def load(cls, out: Path) -> Self | None:
        """Read the manifest of a folder; None if it has none. A last line torn by a kill is dropped.

        Raises:
            InputError: The file is not a manifest of this package.
        """
        path = out / MANIFEST_NAME
        if not path.is_file():
            return None
        records = _records(path)
        first = next(records, {})
        if first.get("kind") != "header":
            raise InputError(f"expected a manifest of ir-transfer in {path}, got another file: choose another -o")
        if first.get("format") != FORMAT:
            raise InputError(f"expected format {FORMAT} in {path}, got {first.get('format')}: use --overwrite")
        check_header(first, path)
        try:
            manifest = cls(path, Header(**first))
            for number, record in enumerate(records, start=2):
                check_entry(record, path, number)
                entry = manifest._shared.entry(record)
                manifest.entries[entry.key] = entry
        except TypeError as error:
            raise InputError(f"expected the lines of a manifest in {path}, got: {error}: use --overwrite") from error
        return manifest

    @staticmethod
    def holds_results(out: Path) -> bool:
        """Return whether a folder has a manifest with a result; one of a run in which nothing succeeded has none.

        A file of that name that is no manifest of this package counts as well: it is not replaced.
        """
        path = out / MANIFEST_NAME
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if not file.readline().startswith(MANIFEST_START):
                return True
            return any(_CONVERTED in line for line in file)

    @property
    def has_results(self) -> bool:
        """Whether a result was made."""
        return any(entry.status == "converted" for entry in self.entries.values())

    def reopen(self) -> None:
        """Make the file whole again before appending to what a killed run left."""
        self._rewrite(self.entries.values())

    def append(self, entry: Entry) -> None:
        """Add a line, in one write, so that a kill tears at most this one.

        Raises:
            EncodeError: The disk is full or the file is gone; the lines before stay whole.
        """
        entry = self._shared.entry(_record(redacted(entry)))
        line = _line(_record(entry))
        try:
            if self._handle is None:
                self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            whole = os.fstat(self._handle).st_size
            written = os.write(self._handle, line)
            if written < len(line):
                os.ftruncate(self._handle, whole)  # half a line would corrupt the next one
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise EncodeError(
                f"{self.path}: expected to add a line, got: {error.strerror}: free some space, then go on with --resume"
            ) from error
        self.entries[entry.key] = entry
        self._behind = is_remote(self.path)
        if self._behind and time.monotonic() - self._published > CHECKPOINT_SECONDS:
            self._publish()

    def finish(self, order: Iterable[str]) -> None:
        """Rewrite the file, and order the entries, with one line for each key, those of ``order`` last and so."""
        keys = list(order)
        last = set(keys)
        earlier = [entry for key, entry in self.entries.items() if key not in last]
        ordered = [*earlier, *(self.entries[key] for key in keys if key in self.entries)]
        self._rewrite(ordered)
        self.entries = {entry.key: entry for entry in ordered}

    def close(self) -> None:
        """Close the file; a remote one is brought up to date."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if self._behind:
            self._publish()

    def _publish(self) -> None:
        publish(self.path, self.path.read_bytes())
        self._published, self._behind = time.monotonic(), False

    def _rewrite(self, entries: Iterable[Entry]) -> None:
        self._behind = False  # it is about to be replaced
        self.close()
        self._published, self._behind = time.monotonic(), False
        lines = chain([_line(asdict(self.header))], (_line(_record(entry)) for entry in entries))
        if is_remote(self.path):
            write_whole(self.path, b"".join(lines))
        else:  # the text of a large set is never held as a whole
            write_parts(self.path, lines)


def _record(entry: Entry) -> dict[str, Any]:
    return {one.name: getattr(entry, one.name) for one in fields(entry)}


def _line(record: Mapping[str, Any]) -> bytes:
    # "kind" first: a reader knows the header at a glance
    ordered = {k: record[k] for k in sorted(record, key=lambda k: k != "kind")} if "kind" in record else record
    text = json_text(ordered, ensure_ascii=False)
    if holds_url(text):
        text = json_text(redacted(ordered), ensure_ascii=False)
    return text.encode("utf-8", errors="surrogateescape") + b"\n"


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a manifest one by one: those of a large set are not held as text as well."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith("\n"):  # the last may be torn
                yield _parse(line, path, number)


def _parse(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        record = parse_json(line, f"line {number} of {path}")
    except InputError as error:
        raise InputError(f"expected a JSON object in line {number} of {path}, got damage: use --overwrite") from error
    if not isinstance(record, dict):
        raise InputError(f"expected a JSON object in line {number} of {path}, got damage: use --overwrite")
    return record
