"""How long a command will take, estimated from its first parts and printed to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from ir_transfer.durations import duration_text

_AFTER = (1, 5)  # the first part also loads and warms up: a second estimate follows


class Eta:
    """Prints each part that is done, and after the first and the fifth how long all will take.

    Args:
        unit: What the parts are called, in the plural: ``"scenes"``.
        clock: Returns seconds.
    """

    def __init__(self, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit, self._clock = unit, clock
        self._began, self._total, self._done = clock(), 0, 0

    def start(self, total: int) -> None:
        """Begin to measure.

        Args:
            total: Parts to come.
        """
        self._began, self._total, self._done = self._clock(), total, 0

    def step(self, name: str) -> None:
        """Count one part, and print its name."""
        self._done += 1
        click.echo(f"  {name}", err=True)
        if self._done in _AFTER and self._done < self._total:
            seconds = self._clock() - self._began
            left = seconds / self._done * (self._total - self._done)
            click.echo(
                f"about {duration_text(left)} left ({self._done} of {self._total} {self._unit} took "
                f"{duration_text(seconds)})",
                err=True,
            )
