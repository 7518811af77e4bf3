"""Entry point of ``ir-transfer`` and ``python -m ir_transfer``."""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any]
_INTERRUPTED = 130  # cli.console.INTERRUPTED, whose module is not imported yet


def main() -> int:
    """Run the command line and return its exit code.

    SIGINT and SIGTERM end the process at once while the modules of the command line are imported, and after the command
    has ended; in between, the command handles them. While Python clears its modules, they are ignored.
    """
    atexit.register(_ignore_signals)
    before = _on_signals(_leave_early)
    from ir_transfer.cli import main as run

    for number, handler in before.items():
        signal.signal(number, handler)
    code = run()
    # If an interrupt left code that runs from a string, as dataclasses do, Python would end the process by SIGINT even
    # though the interrupt was handled; running another string resets this.
    exec("")
    _on_signals(lambda number, frame: os._exit(code))
    return code


def _on_signals(handle: _Handler) -> dict[int, _Handler | int | None]:
    """Set the handler of SIGINT and SIGTERM where they have the default one; return the replaced handlers."""
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    return {n: signal.signal(n, handle) for n, default in defaults.items() if signal.getsignal(n) is default}


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _leave_early(number: int, frame: FrameType | None) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
