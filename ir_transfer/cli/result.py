"""``--json``: one JSON document on stdout; what people read goes to stderr then."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from pathlib import PurePath
from typing import Any, TextIO

import click

from ir_transfer.imaging.remote import public
from ir_transfer.redaction import redact


@dataclasses.dataclass
class Session:
    """One run of the command line; the object of the root context.

    Attributes:
        args: As they were typed.
        as_json: Whether a JSON document is wanted.
        result: What the command gave.
        error: Why it gave none.
        stdout: Where the document goes.
    """

    args: list[str]
    as_json: bool = False
    result: Any = None
    error: str | None = None
    stdout: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)
    _printed: bool = False

    def print_document(self, code: int) -> None:
        """Print the document once: the result, or an object with ``exit_code`` and, if there was one, ``error``."""
        if self._printed:
            return
        self._printed = True
        content = self.result
        if self.error is not None or content is None:
            content = {"exit_code": code} if self.error is None else {"exit_code": code, "error": self.error}
        self.stdout.write(redact(json_text(content)) + "\n")
        self.stdout.flush()


def json_option() -> click.Option:
    """Return the option ``--json``, which every command has."""
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
    """Hand over the result of the command that runs; see :func:`plain` for what it may hold.

    Args:
        content: The result.
        at_once: Print it now, for a command that stays until it is interrupted.
    """
    session = _session()
    if session is None:
        return
    session.result = content
    if at_once and session.as_json:
        session.print_document(0)


def leave_json_to_another_process() -> None:
    """Print no document: of the processes of one training, the first alone does."""
    session = _session()
    if session is not None:
        session.as_json = False


def _session() -> Session | None:
    context = click.get_current_context(silent=True)
    found = None if context is None else context.find_root().obj
    return found if isinstance(found, Session) else None


def json_text(content: Any) -> str:
    """Return a value as standard JSON, which knows no NaN and no infinity: those become null."""
    return json.dumps(plain(content), indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: dataclasses and mappings as objects, sequences and sets as arrays.

    Paths become texts; remote ones as their URL. NumPy's numbers become Python's.

    Raises:
        TypeError: A value that JSON cannot hold.
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
