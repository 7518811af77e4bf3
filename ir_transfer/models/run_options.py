"""Options of a model that may be set for one run, parsed from text; this module does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ir_transfer.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class RunOption:
    """Type, range and description of an option.

    Attributes:
        about: Description in one line.
        kind: Type of the value.
        low: Smallest number.
        high: Largest number.
        choices: Allowed texts; any if empty.
        odd: Whether a number must be odd.
    """

    about: str
    kind: type[int] | type[float] | type[str]
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    odd: bool = False

    def parse(self, name: str, given: object) -> int | float | str:
        """Return the value of the option ``name``, given as text or as a value.

        Raises:
            InputError: The value has the wrong type, is out of range, or is not one of the choices.
        """
        try:
            value = self.kind(str(given))
        except ValueError:
            raise self._error(name, given) from None
        known = not self.choices or value in self.choices
        if not known or (not isinstance(value, str) and not self._holds(value)):
            raise self._error(name, given)
        return value

    def _holds(self, value: float) -> bool:
        return self.low <= value <= self.high and (not self.odd or value % 2 == 1)

    def _error(self, name: str, given: object) -> InputError:
        if self.kind is str:
            wanted = f"one of {', '.join(self.choices)}"
        else:
            number = "an odd number" if self.odd else "a whole number" if self.kind is int else "a number"
            upper = f" to {self.high:g}" if math.isfinite(self.high) else " or more"
            wanted = f"{number} of {self.low:g}{upper}"
        return InputError(f"expected option {name} to be {wanted}, got {given!r}: {self.about}")


def parsed_options(
    model: str, known: Mapping[str, RunOption], given: Mapping[str, str]
) -> dict[str, int | float | str]:
    """Return the values of the options that are given for a model.

    Raises:
        UnknownNameError: No such option; the message lists the known ones.
        InputError: A value of another type or out of range.
    """
    for name in given:
        if name not in known:
            raise UnknownNameError.among(f"option of model {model}", name, known)
    return {name: known[name].parse(name, text) for name, text in given.items()}
