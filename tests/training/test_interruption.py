import signal
import subprocess
import sys

import pytest

SCRIPT = """
import time
from ir_transfer.training.interruption import on_signal
asked = []
with on_signal(lambda reason: (asked.append(reason), print(reason, flush=True))):
    print("ready", flush=True)
    while len(asked) < int(__import__("sys").argv[1]):
        time.sleep(0.01)
print("saved", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_requests_a_stop_and_the_second_kills(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, "2"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.readline().startswith(number.name)
    process.send_signal(number)
    assert process.communicate()[0] == ""
    assert process.returncode == -number


def test_program_saves_after_the_first_signal() -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, "1"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0].endswith("saved\n")
    assert process.returncode == 0
