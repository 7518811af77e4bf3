"""Interruption of a run: the first signal stops it after the current step, the second one immediately."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signal(stop: Callable[[str], None]) -> Iterator[None]:
    """Within the block, call ``stop`` with a message at the first SIGINT or SIGTERM; a second one ends the process.

    No clean-up is needed, since checkpoints are written atomically.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        for caught in before:
            signal.signal(caught, signal.SIG_DFL)
        name = signal.Signals(number).name
        stop(f"{name}: saving and stopping after this step; a second one stops at once, keeping the last checkpoint")

    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
