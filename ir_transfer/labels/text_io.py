"""Label files as bytes and text: limits, byte-order marks, other encodings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ir_transfer.errors import DecodeError, InputError, IrTransferError
from ir_transfer.imaging.remote import is_remote, stored_bytes
from ir_transfer.regular_files import read_regular

MAX_JSON_BYTES = 2**30
"""Twice the largest file of COCO."""
MAX_XML_BYTES = 16 * 2**20
MAX_YAML_BYTES = 2**20
MAX_LABEL_BYTES = 16 * 2**20
"""Of a text file of one image."""
MAX_LIST_BYTES = 256 * 2**20
MAX_SIDE_BYTES = 64 * 2**20
"""Of a file that is copied without being understood."""
BYTE_ORDER_MARK = "\ufeff"
_LINE = re.compile(r"[^\n]*\n|[^\n]+\Z")


def read_limited(path: Path, limit: int) -> bytes:
    """Return a whole file.

    Raises:
        DecodeError: It cannot be read.
        InputError: It has more than ``limit`` bytes.
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
    """Return UTF-8 as text; other bytes stay what they are when :func:`to_bytes` turns it back."""
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Return text as UTF-8; see :func:`to_text`."""
    return text.encode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return text that can be printed and written as UTF-8, with ``?`` for bytes that were none."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: object) -> str:
    """Return text as a message shows it: quoted, and short."""
    quoted = repr(text)
    return quoted if len(quoted) <= 80 else f"{quoted[:77]}..."


def split_lines(text: str) -> list[tuple[str, str]]:
    """Return the lines with what ends them; only LF and CRLF do, since names may hold anything else."""
    found = []
    for line in _LINE.findall(text.removeprefix(BYTE_ORDER_MARK)):
        body = line.removesuffix("\n").removesuffix("\r")
        found.append((body, line[len(body) :]))
    return found


def rewrite_lines(text: str, replace: Callable[[str], Sequence[str]]) -> str:
    """Return a list with other lines for each of its lines; empty ones and line ends stay.

    A byte-order mark goes: trainers take it for a part of the first name.

    Args:
        text: The list.
        replace: For a line, those that take its place: none, one or more.
    """
    lines = split_lines(text)
    ending = lines[0][1] if lines and lines[0][1].endswith("\n") else "\n"
    pieces: list[str] = []
    for body, end in lines:
        new = replace(body) if body.strip() else [body]
        pieces += [line + (end if end.endswith("\n") else ending) for line in new[:-1]] + [new[-1] + end] if new else []
    return "".join(pieces)
