"""What a check of an installation finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "note", "failed"]


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: What was checked.
        status: ``"note"`` is for what is optional and not there.
        detail: What was found.
        remedy: What to do about it; empty if nothing.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def run_checks(groups: Iterable[tuple[str, Callable[[], list[Check]]]]) -> list[Check]:
    """Run groups of checks by name; one that cannot be run at all is a failed check, and the others go on."""
    found: list[Check] = []
    for name, group in groups:
        try:
            found += group()
        except Exception as error:  # a broken library raises anything, and is what is looked for here
            text = " ".join(str(error).split()) or "no message"
            found.append(Check(name, "failed", f"{type(error).__name__}: {text}", "add this to a bug report"))
    return found
