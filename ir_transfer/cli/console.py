"""Output of commands: messages, tables, a progress bar on a terminal, estimates of the remaining time."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from ir_transfer.cli.process import escape_controls
from ir_transfer.durations import duration_text
from ir_transfer.imaging.remote import public

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + the number of the signal."""

_ESTIMATED_AFTER = (1, 5)  # the first item includes loading and warming up, so a second estimate follows


def set_up_messages(*, verbose: bool = False, quiet: bool = False) -> None:
    """Print the log of the package to stderr, warnings by default, and ignore warnings of Pillow."""
    warnings.filterwarnings("ignore", module="PIL")  # about damage that is harmless or that this package reports itself
    logger = logging.getLogger("ir_transfer")
    logger.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
    logger.handlers = [_Stderr()]
    logger.propagate = False


def print_interrupted() -> int:
    """Print how to continue an interrupted run, and return the exit code."""
    click.echo("Interrupted: completed results are kept; continue with --resume", err=True)
    return INTERRUPTED


def print_error(text: str, kind: str = "Error") -> None:
    """Print one line to stderr: staged paths as their URLs, without secrets and control characters.

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
    """Print aligned columns; cells are never truncated, so that the output can be piped."""
    lines = [list(titles), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


class ProgressBar:
    """A progress bar with rate and remaining time on a terminal; prints each error on a line, also without a terminal.

    Args:
        quiet: Do not show the bar.
        label: Text before the bar.
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
        """Count one image, and print its error if it has one."""
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
        """Show the progress of an iterative model on the current image, and its losses."""
        if self._progress is not None and self._task is not None:
            from ir_transfer.conversion.timing import losses_text

            part = min(number / budget, 0.999)  # an image is complete once it is written
            text = f"step {number}/{budget}: {losses_text(losses)}"
            self._progress.update(self._task, completed=self._done + part, rate=text)


class Eta:
    """Prints each completed item, and an estimate of the remaining time after the first and the fifth.

    Args:
        unit: Plural name of the items, such as ``"scenes"``.
        clock: Returns the time in seconds.
    """

    def __init__(self, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit, self._clock = unit, clock
        self._began, self._total, self._done = clock(), 0, 0

    def start(self, total: int) -> None:
        """Start the measurement."""
        self._began, self._total, self._done = self._clock(), total, 0

    def step(self, name: str) -> None:
        """Count one item and print its name."""
        self._done += 1
        click.echo(f"  {name}", err=True)
        if self._done in _ESTIMATED_AFTER and self._done < self._total:
            seconds = self._clock() - self._began
            left = seconds / self._done * (self._total - self._done)
            click.echo(
                f"about {duration_text(left)} left ({self._done} of {self._total} {self._unit} took "
                f"{duration_text(seconds)})",
                err=True,
            )
