"""The journal of a run: one JSON line per event, beside the checkpoint, whoever else is told or not."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ir_transfer.json_files import json_text
from ir_transfer.redaction import redacted

JOURNAL = "journal.jsonl"


def append_event(folder: Path, kind: str, step: int, fields: Mapping[str, Any]) -> None:
    """Add an event to the journal of a run folder.

    Args:
        folder: The run's.
        kind: ``started`` (with ``recipe``, ``code`` and ``facts``), ``data`` (what it reads), ``metrics`` (with
            ``values``), ``image``, ``weights``, ``checkpoint`` (each with ``path``, relative to the folder),
            ``resumed``, or ``ended`` (with ``reason``: finished, stopped or failed).
        step: Steps done so far.
        fields: What else to note, as JSON takes it.

    Raises:
        OSError: The line could not be written whole.
    """
    line = json_text({"kind": kind, "step": step, "at": time.time(), **redacted(fields)}) + "\n"
    with (folder / JOURNAL).open("a+b") as file:
        if file.tell() and _last_byte(file) != b"\n":
            file.write(b"\n")  # a kill has cut the line before
        file.write(line.encode())


def read_events(folder: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the whole events from a byte on, and the byte to go on from; a line that a kill has cut is left out.

    Example:
        >>> from pathlib import Path
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> append_event(folder, "metrics", 50, {"values": {"loss/edge": 0.25}})
        >>> [event["values"] for event in read_events(folder)[0]]
        [{'loss/edge': 0.25}]
    """
    path = folder / JOURNAL
    if not path.is_file():
        return [], start
    with path.open("rb") as file:
        file.seek(start)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            events.append(json.loads(line))  # also NaN, which earlier versions wrote
        except (ValueError, RecursionError):
            continue
    return events, start + len(whole)


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    byte: bytes = file.read(1)
    return byte
