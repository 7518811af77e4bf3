"""manifest.jsonl: a header with the settings of a run, then one line per input; it remains valid if a run is killed."""

import errno
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from ir_transfer.conversion.inputs import MANIFEST_NAME, MANIFEST_START
from ir_transfer.conversion.manifest_checks import by_contents, check_entry, check_header
from ir_transfer.conversion.manifest_lines import StoredLines, encode_line, read_lines
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.image_io import write_parts, write_whole
from ir_transfer.imaging.remote import is_remote, publish
from ir_transfer.json_files import json_text, parse_json
from ir_transfer.redaction import redacted

FORMAT = 1
_COMMON = ("variant", "raster", "reading")
_UNWRITTEN = {"compression": "small"}
"""Settings that older manifests do not record, with the value they had, for error messages."""
_CONVERTED = b'"status": "converted"'
CHECKPOINT_SECONDS = 30.0
"""Interval at which a remote manifest is updated."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The line of one input.

    Attributes:
        input: Path of the file as found; in a data set, relative to the root of the source.
        output: Path of the result below OUT; None if another input has the same output path.
        status: ``"converted"`` or ``"failed"``; a resumed run keeps the lines of results that it skips.
        input_sha256: Hash of the input; None if it could not be read.
        output_sha256: Hash of the result; None if none was written.
        width: Columns of the result.
        height: Rows of the result.
        bit_depth: Bit depth of the input.
        error: Error message of a failed input.
        masks_sha256: Hash of all its masks; None without masks.
        companions_sha256: Hash of its sidecars and of the tiles that it refers to; None without any.
        variant: Style and strength, if results of the run differ in these.
        raster: Bands, levels and tiles of a raster.
        reading: How the input was read: profile, orientation, page, bands, transparent share; and ``notes`` on
            metadata that was ignored or dropped.
        found: Number of objects of each class found by ``--heat auto``.
        stored_orientation: EXIF orientation of an RGB image whose result is in the frame of the stored pixels, as its
            labels are; None if the result is upright.
        heated: Number of ``objects`` that ``--heat`` shifted and of their ``pixels``, by class.
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
        """Key of the line; of several lines with one key, the latest one is used."""
        return self.output if self.output is not None else f"input:{self.input}"


@dataclass(frozen=True)
class Header:
    """Settings with which the images of a folder were made; the attributes are the keys of the first line of the file.

    Attributes:
        command: The command line as entered.
        look: Settings that determine the pixel values: model, weights, style, options, seed. A folder has one of these.
        versions: Versions of this package and of the runtime, and the device, which may change the last digit.
        source: Root of the data set that was converted, if any; its inputs are relative to this folder.
        source_from_here: Path of the source relative to the manifest, which remains valid if both are moved.
        settings: Options not given on the command line: ``value`` of each, and the file or variable it is ``from``.
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
        """Raise :class:`InputError` unless these settings are those of the folder, apart from paths of exemplars."""
        asked = redacted(asked)
        unwritten = {key: value for key, value in _UNWRITTEN.items() if key in asked}
        made, wanted = by_contents({**unwritten, **self.look}), by_contents(asked)
        for key in sorted(made.keys() | wanted.keys()):
            if made.get(key) != wanted.get(key):
                raise InputError(
                    f"expected {key}={json_text(made.get(key))} as in {path}, got {json_text(asked.get(key))}: "
                    "a folder holds results of one set of options; use the same options, --overwrite, or another -o"
                )


class Manifest:
    """The manifest of a folder, open for appending.

    Args:
        path: The file.
        header: Its first line.

    Attributes:
        path: The file.
        header: Its first line.
        entries: The latest line of each key, read from the file when needed.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self.header = path, header
        self.entries: StoredLines[Entry] = StoredLines(path, _entry, _record)
        self._handle: int | None = None
        self._published = 0.0
        self._behind = False

    @classmethod
    def create(cls, out: Path, header: Header) -> Self:
        """Create a manifest, replacing an older one."""
        manifest = cls(out / MANIFEST_NAME, redacted(header))
        manifest._rewrite(())
        return manifest

    @classmethod
    def load(cls, out: Path) -> Self | None:
        """Read the manifest of a folder; None if it has none. A last line that a kill truncated is dropped.

        Raises:
            InputError: The file is not a manifest of this package.
        """
        path = out / MANIFEST_NAME
        if not path.is_file():
            return None
        lines = read_lines(path)
        _, first = next(lines, (0, {}))
        if first.get("kind") != "header":
            raise InputError(f"expected a manifest of ir-transfer in {path}, got another file: choose another -o")
        if first.get("format") != FORMAT:
            raise InputError(f"expected format {FORMAT} in {path}, got {first.get('format')}: use --overwrite")
        check_header(first, path)
        try:
            manifest = cls(path, Header(**first))
            for number, (position, record) in enumerate(lines, start=2):
                check_entry(record, path, number, manifest.header.look)
                manifest.entries.store(Entry(**record).key, position)
        except TypeError as error:
            raise InputError(f"expected the lines of a manifest in {path}, got: {error}: use --overwrite") from error
        return manifest

    @staticmethod
    def holds_results(out: Path) -> bool:
        """Return whether a folder has a manifest with a result, which a run without any success does not write.

        A file of that name that is not a manifest of this package counts as well, so that it is not replaced.
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
        """Whether any line records a result."""
        return any(entry.status == "converted" for entry in self.entries.values())

    def reopen(self) -> None:
        """Rewrite the file without a truncated last line, before appending to the manifest of a killed run."""
        self._rewrite(self.entries)

    def append(self, entry: Entry) -> None:
        """Add a line in a single write, so that a kill can truncate only this line.

        Raises:
            EncodeError: The disk is full or the file was removed; earlier lines stay intact.
        """
        entry = redacted(entry)
        line = encode_line(_record(entry))
        try:
            if self._handle is None:
                self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
            position = os.fstat(self._handle).st_size
            written = os.write(self._handle, line)
            if written < len(line):
                os.ftruncate(self._handle, position)  # half a line would corrupt the next one
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise EncodeError(
                f"{self.path}: expected to add a line, got: {error.strerror}: free some space, then use --resume"
            ) from error
        self.entries.store(entry.key, position)
        self._behind = is_remote(self.path)
        if self._behind and time.monotonic() - self._published > CHECKPOINT_SECONDS:
            self._publish()

    def finish(self, order: Iterable[str]) -> None:
        """Rewrite the file with one line for each key: those of ``order`` last and in that order."""
        last = dict.fromkeys(order)
        earlier = [key for key in self.entries if key not in last]
        self._rewrite([*earlier, *(key for key in last if key in self.entries)])

    def close(self) -> None:
        """Close the file and update it if it is remote."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if self._behind:
            self._publish()

    def _publish(self) -> None:
        publish(self.path, self.path.read_bytes())
        self._published, self._behind = time.monotonic(), False

    def _rewrite(self, keys: Iterable[str]) -> None:
        self._behind = False  # the remote file is about to be replaced
        self.close()
        self._published = time.monotonic()
        places: dict[str, int] = {}
        if is_remote(self.path):
            write_whole(self.path, b"".join(self._lines(keys, places)))
        else:  # line by line: the text of a large set is never held as a whole
            write_parts(self.path, self._lines(keys, places))
        self.entries.replace(places)

    def _lines(self, keys: Iterable[str], places: dict[str, int]) -> Iterator[bytes]:
        """Yield all lines, and note the position of each."""
        line = encode_line(asdict(self.header))
        position = len(line)
        yield line
        for key, line in self.entries.encoded(keys):
            places[key] = position
            position += len(line)
            yield line


def _record(entry: Entry) -> dict[str, Any]:
    return {one.name: getattr(entry, one.name) for one in fields(entry)}


def _entry(record: Mapping[str, Any]) -> Entry:
    common = {name: _shared(json_text(value)) for name in _COMMON if (value := record.get(name)) is not None}
    return Entry(**{**record, **common})


@lru_cache(maxsize=10_000)
def _shared(text: str) -> Any:
    """Return equal values as one object: thousands of entries have the same variant and reading."""
    return parse_json(text, "manifest")
