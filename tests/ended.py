"""Ends a command with a signal and checks that no process remains."""

import signal
import subprocess
import time

import psutil


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a command with child processes; it must exit with code 0, and its children must end too."""
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert children
    deadline = time.monotonic() + 10
    while any(child.is_running() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(child.is_running() for child in children)
