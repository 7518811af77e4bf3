"""Run folder: log, journal, and files that may fail to be written without ending the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ir_transfer.errors import EncodeError
from ir_transfer.redaction import redact
from ir_transfer.training.journal import JOURNAL, append_event

CHECKPOINT, RECIPE, BEST, EXEMPLAR = "last.pt", "recipe.yaml", "best.safetensors", "exemplar.png"


class RunFolder:
    """Writes the files of a run, in the first of several processes only.

    A failed write, such as on a full disk, is logged as a warning and does not end the training.

    Args:
        path: The folder, created if it is missing.
        echo: Called with every line of the log, for the terminal.
        writes: Whether this process writes and prints.
    """

    def __init__(self, path: Path, echo: Callable[[str], None], writes: bool = True) -> None:
        self.path, self._echo, self.writes = path, echo, writes
        self._log_works = self._journal_works = True
        if writes:
            path.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint."""
        return self.path / CHECKPOINT

    def log(self, line: str) -> None:
        """Print a line and add it to ``log.txt``."""
        if not self.writes:
            return
        line = redact(line)
        self._echo(line)
        try:
            with (self.path / "log.txt").open("a") as file:
                print(line, file=file)
        except OSError as error:
            if self._log_works:
                self._echo(f"warning: {self.path / 'log.txt'}: {error.strerror}: further lines are printed only")
            self._log_works = False

    def note(self, kind: str, step: int, **fields: Any) -> None:
        """Add an event to the journal (see :func:`~ir_transfer.training.journal.append_event`)."""
        if not self.writes:
            return
        try:
            append_event(self.path, kind, step, fields)
        except OSError as error:
            if self._journal_works:
                self.log(f"warning: {self.path / JOURNAL}: {error.strerror}: further events are not recorded")
            self._journal_works = False

    def attempt(self, write: Callable[[], object]) -> bool:
        """Call a writing function; return whether it succeeded, and log a warning if not."""
        if not self.writes:
            return False
        try:
            write()
        except (OSError, EncodeError) as error:
            self.log(f"warning: {' '.join(str(error).split())}; training continues")
            return False
        return True
