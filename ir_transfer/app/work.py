"""Runs a request with the conversion engine and collects the results for the page."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ir_transfer.app.request import RGB_IMAGES, Request
from ir_transfer.app.session import Workspace
from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.errors import InputError

# Models seed torch's global generator, which concurrent conversions would share.
_ONE_AT_A_TIME = threading.Lock()

OnProgress = Callable[[int, int], None]
"""Called with the number of converted RGB images and their total number."""


@dataclass(frozen=True)
class Result:
    """An RGB image with its infrared image.

    Attributes:
        rgb: The uploaded file.
        output: The infrared image; None if the conversion failed.
        style: Names of the styles, joined by `` + ``.
        error: Error message of a failed conversion.
    """

    rgb: Path
    output: Path | None
    style: str
    error: str | None = None


@dataclass(frozen=True)
class Conversion:
    """A completed request.

    Attributes:
        request: The request.
        out: Folder of the results with ``manifest.jsonl``.
        results: One for each RGB image, in the same order.
        settings: Settings from the manifest.
        messages: Warnings.
    """

    request: Request
    out: Path
    results: tuple[Result, ...]
    settings: Mapping[str, Any]
    messages: tuple[str, ...] = ()


def carry_out(
    request: Request,
    place: Workspace,
    on_progress: OnProgress = lambda done, total: None,
    below: Path | None = None,
) -> Conversion:
    """Convert as ``ir-transfer convert`` does, into the workspace.

    Args:
        request: The request.
        place: Contains the RGB images and exemplars.
        on_progress: Called after each RGB image.
        below: Parent folder of the results; the workspace if None.

    Raises:
        InputError: The results have no manifest.
        IrTransferError: No image can be converted: no RGB image, or an invalid style or option.
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
    results = tuple(_result(entries.get(name), place, name, out, style) for name in request.images)
    return Conversion(request, out, results, manifest.header.look, tuple(map(place.shown, dict.fromkeys(messages))))


def _result(entry: Entry | None, place: Workspace, name: str, out: Path, style: str) -> Result:
    rgb = place.folder / RGB_IMAGES / name
    if entry is not None and entry.status == "converted" and entry.output is not None:
        return Result(rgb, out / entry.output, style)
    error = f"{name}: not converted, since the run ended before it" if entry is None else str(entry.error)
    return Result(rgb, None, style, place.shown(error))


class _Observer:
    """Counts converted images."""

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
    """Collect the warnings that the package logs within the block."""
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
