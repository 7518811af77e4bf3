"""Reading label files: size limits, encodings, byte-order marks and lines."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Callable, Sequence
from pathlib import Path

from ir_transfer.errors import DecodeError, InputError, IrTransferError
from ir_transfer.imaging.remote import is_remote, stored_bytes
from ir_transfer.regular_files import read_regular

MAX_JSON_BYTES = 2**30
"""Twice the size of the largest COCO file."""
MAX_XML_BYTES = 16 * 2**20
MAX_YAML_BYTES = 2**20
MAX_LABEL_BYTES = 16 * 2**20
"""Limit of a label file of one image."""
MAX_LIST_BYTES = 256 * 2**20
MAX_SIDE_BYTES = 64 * 2**20
"""Limit of a side file that is copied."""
BYTE_ORDER_MARK = "\ufeff"
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of a file.

    Raises:
        DecodeError: The file cannot be read.
        InputError: The file has more than ``limit`` bytes.
    """
    try:
        if is_remote(path):
            data = stored_bytes(path, limit)
            if (size := len(data)) <= limit:
                return data
        elif (size := path.stat().st_size) <= limit:
            return read_regular(path)
    except IrTransferError:
        raise
    except OSError as error:
        raise DecodeError(
            f"{path}: expected a readable file, got: {error.strerror}: check the path and its permissions"
        ) from error
    raise InputError(f"{path}: expected at most {limit} bytes, got {size}: make it smaller or remove it")


def to_text(data: bytes) -> str:
    """Return UTF-8 as text; invalid bytes are restored by :func:`to_bytes`."""
    return data.decode("utf-8", "surrogateescape")


def wide_encoding(data: bytes) -> str | None:
    """Return ``"UTF-16"`` or ``"UTF-32"`` by the byte-order mark of a text file, as Windows writes it; None without."""
    # The mark of UTF-32 begins with that of UTF-16.
    for encoding, marks in (("UTF-32", (BOM_UTF32_LE, BOM_UTF32_BE)), ("UTF-16", (BOM_UTF16_LE, BOM_UTF16_BE))):
        if data.startswith(marks):
            return encoding
    return None


def to_bytes(text: str) -> bytes:
    """Return text as UTF-8; see :func:`to_text`."""
    return text.encode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return text that can be printed and written as UTF-8, with ``?`` for invalid bytes."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: object) -> str:
    """Return the ``repr`` of a value for a message, at most 80 characters."""
    quoted = repr(text)
    return quoted if len(quoted) <= 80 else f"{quoted[:77]}..."


def read_lines(path: Path, limit: int = MAX_LABEL_BYTES) -> list[str]:
    """Return the lines of a text file without their ends.

    Raises:
        DecodeError: The file cannot be read.
        InputError: The file has more than ``limit`` bytes.
    """
    return [line for line, _ in split_lines(to_text(read_limited(path, limit)))]


def split_lines(text: str) -> list[tuple[str, str]]:
    """Return (line, line end) pairs; only LF and CRLF end a line, since names may contain other separators."""
    found = []
    for line in _LINE.findall(text.removeprefix(BYTE_ORDER_MARK)):
        body = line.removesuffix("\n").removesuffix("\r")
        found.append((body, line[len(body) :]))
    return found


def rewrite_lines(text: str, replace: Callable[[str], Sequence[str]]) -> str:
    """Return a text with each line replaced; empty lines and line ends are kept.

    A byte-order mark is removed, since trainers read it as part of the first name.

    Args:
        text: Text with one entry per line.
        replace: Function from a line to the lines that replace it: none, one or several.
    """
    lines = split_lines(text)
    ending = lines[0][1] if lines and lines[0][1].endswith("\n") else "\n"
    pieces: list[str] = []
    for body, end in lines:
        new = replace(body) if body.strip() else [body]
        pieces += [line + (end if end.endswith("\n") else ending) for line in new[:-1]] + [new[-1] + end] if new else []
    return "".join(pieces)
