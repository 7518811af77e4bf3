"""Standard streams and signals of the process, so that closed or broken streams and SIGTERM do not corrupt results."""

import io
import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_REPEATED_AFTER = 0.02  # seconds


@contextmanager
def safe_streams() -> Iterator[None]:
    """Within the block, replace closed standard streams by the null device and ignore write errors on stderr.

    Otherwise the next opened file would get the descriptor of a closed stream, and messages that a C library writes to
    stderr would end up in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # uses the lowest free number, which is this one
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  # no path; open until the block ends
    sys.stderr = _without_errors(sys.stderr or open(os.devnull, "w"))  # noqa: PTH123, SIM115
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def escape_controls(text: str) -> str:
    """Return text for display, with control characters, which file names may contain, as escapes.

    Example:
        >>> escape_controls("a" + chr(10) + "b.png")
        'a\\\\nb.png'
    """
    return "".join(c.encode("unicode_escape").decode() if _is_control(c) else c for c in text)


def _is_control(character: str) -> bool:
    # Surrogates are bytes of a name that are not UTF-8; not every stream can encode them.
    return (
        character < " "
        or "\x7f" <= character <= "\x9f"
        or character in "\u2028\u2029"
        or "\ud800" <= character <= "\udfff"
    )


class _Lossy(io.RawIOBase):
    """Writes to another file, and discards data that it does not accept."""

    def __init__(self, stream: Any, raw: io.FileIO) -> None:
        self._stream = stream  # kept, since it closes its file when it is collected
        self._raw = raw

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        try:
            return int(self._raw.write(data) or 0)
        except OSError:  # the reader has closed it, or the disk is full
            return len(data)


def _without_errors(stream: Any) -> Any:
    """Return a stream that discards what cannot be written; a stream that is not a file is returned unchanged."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # there is no buffer with PYTHONUNBUFFERED
    if not isinstance(raw, io.FileIO):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Lossy(stream, raw)),
        stream.encoding,
        "backslashreplace",
        line_buffering=True,
        write_through=True,
    )


def _signal_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):  # also ends a wait
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:
        interrupt_main(signal.SIGTERM)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Within the block, SIGTERM raises :class:`KeyboardInterrupt`, as Ctrl-C does; a second SIGTERM ends the process.

    Batch queues and containers send SIGTERM. As after Ctrl-C, results being written are completed, the manifest is
    updated and temporary folders are removed. An existing handler is kept. Only the main thread can set a handler.

    Python discards an interrupt of code that cannot raise errors, such as the callbacks of its import system; it is
    repeated shortly afterwards.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise KeyboardInterrupt

    def repeat(discarded: Any) -> None:
        if discarded.exc_type is not KeyboardInterrupt:
            report(discarded)
            return
        signal.signal(signal.SIGTERM, interrupt)
        timer = threading.Timer(_REPEATED_AFTER, _signal_main_thread)
        timer.daemon = True
        timer.start()

    report, sys.unraisablehook = sys.unraisablehook, repeat
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook = report
