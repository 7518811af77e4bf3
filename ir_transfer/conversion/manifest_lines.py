"""Lines of a manifest: encoded as JSON, and read from the file on demand by key."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ir_transfer.errors import InputError
from ir_transfer.json_files import json_text, parse_json
from ir_transfer.redaction import holds_url, redacted

Value = TypeVar("Value")


def encode_line(record: Mapping[str, Any]) -> bytes:
    """Encode a record as one line of JSON without secrets; ``kind`` comes first and identifies a header."""
    ordered = {k: record[k] for k in sorted(record, key=lambda k: k != "kind")} if "kind" in record else record
    text = json_text(ordered, ensure_ascii=False)
    if holds_url(text):
        text = json_text(redacted(ordered), ensure_ascii=False)
    # Bytes of a name that is not UTF-8 become escapes of JSON, which decode to the same name.
    return text.encode("utf-8", errors="backslashreplace") + b"\n"


def decode_line(line: bytes, where: str) -> dict[str, Any]:
    """Decode a line.

    Raises:
        InputError: It is not a JSON object; ``where`` describes the line.
    """
    try:
        record = parse_json(line.decode("utf-8", errors="surrogateescape"), where)
    except InputError as error:
        raise InputError(f"expected a JSON object in {where}, got damage: use --overwrite") from error
    if not isinstance(record, dict):
        raise InputError(f"expected a JSON object in {where}, got damage: use --overwrite")
    return record


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the position in bytes and the record of each complete line; a last line that a kill truncated is skipped.

    Raises:
        InputError: A line is not a JSON object.
    """
    position = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield position, decode_line(line, f"line {number} of {path}")
            position += len(line)


class StoredLines(MutableMapping[str, Value]):
    """The latest value of each key of a manifest, in the order of the keys' first lines.

    A value that is in the file is not held: its key and position take 0.16 kB of memory, its entry 0.6 kB. A value
    that was set is held until it is written.

    Args:
        path: The file.
        decode: Makes a value of a record.
        encode: Makes a record of a value.
    """

    def __init__(
        self, path: Path, decode: Callable[[Mapping[str, Any]], Value], encode: Callable[[Value], Mapping[str, Any]]
    ) -> None:
        self._path, self._decode, self._encode = path, decode, encode
        self._places: dict[str, int | Value] = {}

    def __getitem__(self, key: str) -> Value:
        place = self._places[key]
        if not isinstance(place, int):
            return place
        with self._path.open("rb") as file:
            return self._value(self._line(file, place), place)

    def __setitem__(self, key: str, value: Value) -> None:
        self._places[key] = value

    def __delitem__(self, key: str) -> None:
        del self._places[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def clear(self) -> None:
        """Remove all keys without reading their lines."""
        self._places.clear()

    def items(self) -> ItemsView[str, Value]:
        """Return the keys with their values, for which the file is opened once."""
        return _Items(self)

    def values(self) -> ValuesView[Value]:
        """Return the values, for which the file is opened once."""
        return _Values(self)

    def read(self) -> Iterator[tuple[str, Value]]:
        """Yield the keys with their values."""
        for key, place, line in self._stored(self._places):
            yield key, place if line is None else self._value(line, place)

    def store(self, key: str, position: int) -> None:
        """Note that the value of a key is in the line at a position in bytes."""
        self._places[key] = position

    def encoded(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield keys with their encoded lines; lines of the file are copied."""
        for key, place, line in self._stored(keys):
            if line is None:
                yield key, encode_line(self._encode(place))
            elif holds_url(line.decode("latin-1")):  # may be of a version that did not redact URLs
                yield key, encode_line(decode_line(line, str(self._path)))
            else:
                yield key, line

    def replace(self, places: Mapping[str, int]) -> None:
        """Take over the keys and positions of a file that has replaced the old one."""
        self._places = dict(places)

    def _stored(self, keys: Iterable[str]) -> Iterator[tuple[str, Any, bytes | None]]:
        """Yield keys with their position and line in the file, or with their value and None."""
        file: BinaryIO | None = None
        try:
            for key in keys:
                place = self._places[key]
                if isinstance(place, int):
                    file = file or self._path.open("rb")
                yield key, place, self._line(file, place) if file and isinstance(place, int) else None
        finally:
            if file is not None:
                file.close()

    def _line(self, file: BinaryIO, position: int) -> bytes:
        file.seek(position)
        return file.readline()

    def _value(self, line: bytes, position: int) -> Value:
        return self._decode(decode_line(line, f"the line at byte {position} of {self._path}"))


class _Items(ItemsView[str, Value]):
    _mapping: StoredLines[Value]

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return self._mapping.read()


class _Values(ValuesView[Value]):
    _mapping: StoredLines[Value]

    def __iter__(self) -> Iterator[Value]:
        return (value for _, value in self._mapping.read())
