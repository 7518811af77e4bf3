"""Results of checks of an installation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "failed"]


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes:
        name: Name of the checked component.
        status: ``"note"`` means that an optional component is missing.
        detail: Version, path or error.
        remedy: What to do; empty if nothing is needed.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def run_checks(groups: Iterable[tuple[str, Callable[[], list[Check]]]]) -> list[Check]:
    """Run named groups of checks; a group that raises an exception is a failed check, and the others are still run."""
    found: list[Check] = []
    for name, group in groups:
        try:
            found += group()
        except Exception as error:  # a broken library can raise any exception, which is what these checks detect
            text = " ".join(str(error).split()) or "no message"
            found.append(Check(name, "failed", f"{type(error).__name__}: {text}", "add this to a bug report"))
    return found
