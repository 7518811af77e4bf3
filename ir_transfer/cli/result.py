"""``--json``: one JSON document on stdout, with messages and tables on stderr."""

import contextlib
import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from pathlib import PurePath
from typing import Any, TextIO

import click

from ir_transfer.imaging.remote import public
from ir_transfer.json_files import json_text
from ir_transfer.redaction import redact


@dataclasses.dataclass
class Session:
    """One run of the command line, the object of the root context.

    Attributes:
        args: Arguments of the command line.
        as_json: Whether to print a JSON document.
        result: Result of the command.
        error: Error message of a failed command.
        stdout: Receives the document.
    """

    args: list[str]
    as_json: bool = False
    result: Any = None
    error: str | None = None
    stdout: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)
    _printed: bool = False

    def print_document(self, code: int) -> None:
        """Print the document, once: the result, or without one an object with ``exit_code`` and ``error``."""
        if self._printed:
            return
        self._printed = True
        content = self.result
        if self.error is not None or content is None:
            content = {"exit_code": code} if self.error is None else {"exit_code": code, "error": self.error}
        self.stdout.write(redact(json_text(plain(content), indent=2)) + "\n")
        self.stdout.flush()


def json_option() -> click.Option:
    """Return the option ``--json`` of every command."""
    return click.Option(
        ["--json"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_want_json,
        help="Print the result as one JSON document; messages go to stderr.",
    )


def _want_json(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    session = context.find_root().obj
    if not wanted or context.resilient_parsing or not isinstance(session, Session):
        return
    if not session.as_json:
        session.as_json = True
        context.find_root().with_resource(contextlib.redirect_stdout(sys.stderr))


def give_result(content: Any, *, at_once: bool = False) -> None:
    """Set the result of the current command.

    Args:
        content: The result, of the types that :func:`plain` converts.
        at_once: Print it now, for a command that runs until it is interrupted.
    """
    session = _session()
    if session is None:
        return
    session.result = content
    if at_once and session.as_json:
        session.print_document(0)


def leave_json_to_another_process() -> None:
    """Print no document in this process; with several training processes, only the first prints one."""
    session = _session()
    if session is not None:
        session.as_json = False


def _session() -> Session | None:
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_root().obj
    return found if isinstance(found, Session) else None


def plain(value: Any) -> Any:
    """Return a value of JSON types: dataclasses and mappings as dict, sequences, sets and arrays as list.

    Paths become strings, staged paths their URL; NumPy scalars become Python numbers, NaN and infinity None.

    Raises:
        TypeError: A value without a JSON type.
    """
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return public(str(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(map(plain, value))
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return plain(value.tolist())
    raise TypeError(f"expected a value that JSON can hold, got {type(value).__name__}")
