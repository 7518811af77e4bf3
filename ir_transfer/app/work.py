"""A request carried out by the conversion engine, and what the page shows of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_transfer.app.request import PHOTOGRAPHS, Request
from ir_transfer.app.session import Workplace
from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.errors import InputError

# Models seed torch's one generator: two at once would draw each other's numbers.
_ONE_AT_A_TIME = threading.Lock()

OnProgress = Callable[[int, int], None]
"""Called with the number of RGB images done and of all."""


@dataclass(frozen=True)
class Result:
    """An RGB image with its infrared image.

    Attributes:
        photograph: The file that was uploaded.
        output: The infrared image; None if it could not be made.
        style: What it was made with, as a visitor names it.
        error: Why it could not be made.
    """

    photograph: Path
    output: Path | None
    style: str
    error: str | None = None


@dataclass(frozen=True)
class Conversion:
    """A request that was carried out.

    Attributes:
        request: What was asked for.
        out: Folder of the results with ``manifest.jsonl``.
        results: One for each RGB image, in their order.
        settings: What the manifest records of how they were made.
        messages: Warnings of the tool.
    """

    request: Request
    out: Path
    results: tuple[Result, ...]
    settings: Mapping[str, Any]
    messages: tuple[str, ...] = ()


def carry_out(
    request: Request,
    place: Workplace,
    on_progress: OnProgress = lambda done, total: None,
    below: Path | None = None,
) -> Conversion:
    """Convert as ``ir-transfer convert`` does, into the workplace.

    Args:
        request: What to do.
        place: Where the RGB images and exemplars are stored.
        on_progress: Called after each RGB image.
        below: Folder for that of the results; the workplace if None.

    Raises:
        InputError: The results have no manifest.
        IrTransferError: Nothing can be done at all: no RGB image, a style or an option that does not fit.
    """
    out = (below or place.folder) / request.out
    options = request.options(place.folder, out)
    with _ONE_AT_A_TIME, _warnings() as messages:
        summary = convert(options, _Observer(on_progress))
    if summary.stopped is not None:
        messages.append(summary.stopped)
    manifest = Manifest.load(out)
    if manifest is None:
        raise InputError(f"expected {out} to hold a manifest, found none: convert again")
    entries = {Path(entry.input).name: entry for entry in manifest.entries.values()}
    style = " + ".join(request.styles)
    results = tuple(_result(entries.get(name), place, name, out, style) for name in request.photographs)
    return Conversion(request, out, results, manifest.header.look, tuple(map(place.shown, dict.fromkeys(messages))))


def _result(entry: Entry | None, place: Workplace, name: str, out: Path, style: str) -> Result:
    photograph = place.folder / PHOTOGRAPHS / name
    if entry is not None and entry.status == "converted" and entry.output is not None:
        return Result(photograph, out / entry.output, style)
    error = f"{name}: not converted, since the run ended before it" if entry is None else str(entry.error)
    return Result(photograph, None, style, place.shown(error))


class _Observer:
    """Counts what is done."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._done = self._total = 0

    def start(self, total: int) -> None:
        self._total = total
        self._on_progress(0, total)

    def advance(self, error: str | None) -> None:
        self._done += 1
        self._on_progress(self._done, self._total)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what the package warns of within the block."""
    found: list[str] = []

    class _List(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler, logger = _List(logging.WARNING), logging.getLogger("ir_transfer")
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
