"""Ends a command by a signal and sees that nothing of it is left."""

import signal
import subprocess
import time

import psutil


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a command that has children; it must end well, and they with it."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert children
    deadline = time.monotonic() + 10
    while any(child.is_running() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(child.is_running() for child in children)
