"""Shared by the local servers: choice of a port, signals, and opening the browser."""

import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ir_transfer.errors import InputError

HOST = "127.0.0.1"
_TRIED_PORTS = 50


def choose_port(given: int | None, first: int) -> int:
    """Return a free port.

    Args:
        given: A port that must be free; None takes the first free one of 50.
        first: The first of these.

    Raises:
        InputError: The given port is in use, or none of the 50 is free.
    """
    if given is not None:
        if is_free(given):
            return given
        raise InputError(f"expected a free port, got {given}, which is in use: choose another --port, or leave it out")
    for port in range(first, first + _TRIED_PORTS):
        if is_free(port):
            return port
    last = first + _TRIED_PORTS - 1
    raise InputError(f"expected a free port from {first} to {last}, got none: choose one with --port")


def is_free(port: int) -> bool:
    """Return whether a port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT, SIGTERM and SIGHUP set instead of ending the process."""
    stop = threading.Event()
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_browser(url: str) -> bool:
    """Open a page if there is a screen or ``BROWSER`` is set; a browser in the terminal would hide the links."""
    screen = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return screen and webbrowser.open(url)
