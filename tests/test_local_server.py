from __future__ import annotations

import os
import signal
import socket
import sys

import pytest

from ir_transfer.errors import InputError
from ir_transfer.local_server import choose_port, is_free, open_browser, stop_on_signals


def test_occupied_port_is_rejected_or_skipped() -> None:
    port = choose_port(None, 5000)
    assert choose_port(port, 1) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert choose_port(None, port) > port
        with pytest.raises(InputError, match=f"got {port}, which is in use"):
            choose_port(port, 5000)
    assert is_free(port)


def test_no_browser_is_opened_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not open_browser("http://here:1")


def test_a_signal_sets_the_event_and_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGHUP) is before
