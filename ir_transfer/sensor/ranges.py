"""Ranges of numbers, declared with the fields that they apply to."""

import dataclasses
from typing import Any

from ir_transfer.errors import InputError


def within(low: float, high: float, default: Any = dataclasses.MISSING) -> Any:
    """Return a dataclass field whose value, unless it is None, must lie in [low, high]."""
    return dataclasses.field(default=default, metadata={"range": (low, high)})


def check_ranges(model: Any, where: str) -> None:
    """Check every field of a dataclass and of those inside it.

    Args:
        model: The dataclass.
        where: Location in errors: the file, then the keys of the enclosing dataclasses.

    Raises:
        InputError: A value out of its range, or not a number.
    """
    for entry in dataclasses.fields(model):
        value = getattr(model, entry.name)
        if dataclasses.is_dataclass(value):
            check_ranges(value, f"{where}: {entry.name}")
        elif "range" in entry.metadata and value is not None:
            low, high = entry.metadata["range"]
            if not low <= value <= high:  # a NaN fails too
                raise InputError(f"expected {where}: {entry.name} from {low:g} to {high:g}, got {value!r}")
