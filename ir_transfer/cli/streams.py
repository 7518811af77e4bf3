"""Standard streams that are closed or whose reader has left: what is said is lost, what is done is not."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def safe_streams() -> Iterator[None]:
    """Within the block, have every standard stream, and have messages on stderr never end the command.

    A closed one is opened on the null device first: the next file to be opened would take its number, and what a C
    library says on stderr would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  # no path; it lasts as long as the block
    sys.stderr = _patient(sys.stderr or open(os.devnull, "w"))  # noqa: PTH123, SIM115
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def escape_controls(text: str) -> str:
    """Return text as it is printed: control characters, which names of files may have, as escapes.

    Example:
        >>> escape_controls("a" + chr(10) + "b.png")
        'a\\\\nb.png'
    """
    return "".join(c.encode("unicode_escape").decode() if _is_control(c) else c for c in text)


def _is_control(character: str) -> bool:
    # Surrogates stand for bytes of a name that are no UTF-8: not every stream takes them.
    return (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or character in "\u2028\u2029"
        or "\ud800" <= character <= "\udfff"
    )


class _Lossy(io.RawIOBase):
    """Writes to another file as long as that takes something."""

    def __init__(self, stream: Any, raw: io.FileIO) -> None:
        self._stream = stream  # which closes its file when nothing refers to it
        self._raw = raw

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        try:
            return int(self._raw.write(data) or 0)
        except OSError:  # its reader has left, or its disk is full
            return len(data)


def _patient(stream: Any) -> Any:
    """Return a stream that loses what cannot be written; one that is no file, such as a test's, as it is."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # PYTHONUNBUFFERED leaves the buffer out
    if not isinstance(raw, io.FileIO):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Lossy(stream, raw)),
        stream.encoding,
        "backslashreplace",
        line_buffering=True,
        write_through=True,
    )
