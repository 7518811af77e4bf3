"""What commands print: messages on stderr, tables on stdout, a progress bar on a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from ir_transfer.cli.streams import escape_controls
from ir_transfer.imaging.remote import public

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal."""


def set_up_messages(*, verbose: bool = False, quiet: bool = False) -> None:
    """Send the package's own log to stderr: warnings by default."""
    logger = logging.getLogger("ir_transfer")
    logger.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
    logger.handlers = [_Stderr()]
    logger.propagate = False


def print_error(text: str, kind: str = "Error") -> None:
    """Print one line to stderr, with the URLs of remote folders and without secrets or control characters.

    Args:
        text: The message.
        kind: ``"Error"`` or ``"Warning"``.
    """
    click.echo(f"{kind}: {escape_controls(public(text))}", err=True)


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        prefix = f"{record.levelname.capitalize()}: " if record.levelno >= logging.WARNING else ""
        click.echo(f"{prefix}{escape_controls(public(record.getMessage()))}", err=True)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; cells are never cut, so that the table can be piped."""
    lines = [list(titles), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


class ProgressBar:
    """Shows a bar with rate and time left on a terminal, and every error on its own line; else errors only.

    Args:
        quiet: Never show the bar.
        label: What is being done.
    """

    def __init__(self, *, quiet: bool = False, label: str = "converting") -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._done = 0
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn(label),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def start(self, total: int) -> None:
        """Show the bar."""
        if self._progress is not None:
            self._progress.start()
            self._task = self._progress.add_task("", total=total, rate="")

    def advance(self, error: str | None) -> None:
        """Count one more; print what went wrong."""
        if self._progress is None or self._task is None:
            if error is not None:
                print_error(error)
            return
        if error is not None:
            text = escape_controls(public(error))
            self._progress.console.print(f"Error: {text}", markup=False, highlight=False, soft_wrap=True)
        self._done += 1
        self._progress.update(self._task, completed=self._done)
        speed = self._progress.tasks[0].finished_speed or self._progress.tasks[0].speed
        if speed:
            self._progress.update(self._task, rate=f"{speed:.1f} images/s")

    def step(self, number: int, budget: int, losses: Mapping[str, float]) -> None:
        """Show how far an iterative model is with the present image, and its losses."""
        if self._progress is not None and self._task is not None:
            from ir_transfer.conversion.eta import losses_text

            part = min(number / budget, 0.999)  # the image counts as done once it is written
            text = f"step {number}/{budget}: {losses_text(losses)}"
            self._progress.update(self._task, completed=self._done + part, rate=text)
