"""Journal of a run: one JSON line per event, in the run folder, independent of other tracking."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ir_transfer.json_files import json_text
from ir_transfer.redaction import redacted

JOURNAL = "journal.jsonl"
_FIELDS: dict[str, dict[str, Any]] = {
    "started": {"recipe": dict},
    "data": {"data": dict},
    "metrics": {"values": dict},
    "image": {"path": str},
    "weights": {"path": str},
    "checkpoint": {"path": str},
    "ended": {"reason": str},
}
"""Types of the fields by kind of event."""


def append_event(folder: Path, kind: str, step: int, fields: Mapping[str, Any]) -> None:
    """Add an event to the journal of a run folder.

    Args:
        folder: The run's.
        kind: ``started`` (with ``recipe``, ``code`` and ``facts``), ``data`` (its inputs), ``metrics`` (with
            ``values``), ``image``, ``weights``, ``checkpoint`` (each with ``path``, relative to the folder),
            ``resumed``, or ``ended`` (with ``reason``: finished, stopped or failed).
        step: Steps done so far.
        fields: Further fields, serialisable as JSON.

    Raises:
        OSError: The line could not be written completely.
    """
    line = json_text({"kind": kind, "step": step, "at": time.time(), **redacted(fields)}) + "\n"
    with (folder / JOURNAL).open("a+b") as file:
        if file.tell() and _last_byte(file) != b"\n":
            file.write(b"\n")  # the previous line is incomplete after a kill
        file.write(line.encode())


def read_events(folder: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the events from a byte offset on, and the offset of the next one.

    An incomplete last line and lines that are not events are omitted.

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
            event = json.loads(line)  # also NaN, which earlier versions wrote
        except (ValueError, RecursionError):
            continue
        if _is_event(event):
            events.append(event)
    return events, start + len(whole)


def _is_event(event: Any) -> bool:
    """Return whether a value is an event with the fields of its kind."""
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return False
    known: dict[str, Any] = {"step": int, "at": (int, float), **_FIELDS.get(event["kind"], {})}
    return all(isinstance(event.get(name), kind) for name, kind in known.items())


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    byte: bytes = file.read(1)
    return byte
