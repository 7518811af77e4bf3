"""SIGTERM, which batch queues and containers send, leaves behind what Ctrl-C does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli.process import sigterm_as_interrupt
from tests.conftest import photograph


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    """Ray, in an earlier test of this process, leaves a handler of its own."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_first_interrupts_and_the_second_would_end_the_process() -> None:
    with pytest.raises(KeyboardInterrupt), sigterm_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    with sigterm_as_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except KeyboardInterrupt:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_existing_signal_handlers_are_kept() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))
    try:
        with sigterm_as_interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
        assert caught == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_may_run_a_command() -> None:
    thread = threading.Thread(target=lambda: sigterm_as_interrupt().__enter__())
    thread.start()
    thread.join(5)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_are_imported(number: signal.Signals, tmp_path: Path) -> None:
    """With this option Python prints each module that it has imported."""
    command = [sys.executable, "-X", "importtime", "-m", "ir_transfer", "dataset", str(tmp_path), "--style", "a.png"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.endswith(" click.globals\n"):
            process.send_signal(number)
            break
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert [line for line in errors.splitlines() if not line.startswith("import time:")] == ["Interrupted."]


def test_a_signal_after_the_end_changes_no_exit_code() -> None:
    lines = "import os, signal, time", "from ir_transfer.__main__ import main", "assert main() == 0"
    code = "; ".join([*lines, "os.kill(os.getpid(), signal.SIGTERM)", "time.sleep(5)"])
    command = [sys.executable, "-c", code, "--version"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=90).returncode == 0


STORAGE = """
import fsspec, os, signal, sys, time
from fsspec.implementations.memory import MemoryFileSystem
from ir_transfer.__main__ import main

class Storage(MemoryFileSystem):
    protocol = "stops"

    def isfile(self, path):
        {stop}
        time.sleep(9)

class Left:
    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)

fsspec.register_implementation("stops", Storage)
left = Left(signal.SIGTERM)
sys.exit(main())
"""


@pytest.mark.parametrize(
    "stop",
    ["exec('os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)')", "Left(signal.SIGTERM)", "Left(signal.SIGINT)"],
)
def test_a_signal_while_python_would_discard_it_or_end_by_it(stop: str, exemplar: Path, tmp_path: Path) -> None:
    """It ends the process by SIGINT after code in a string, discards it in clean-up, and resets handlers at its end."""
    (tmp_path / "stops.py").write_text(STORAGE.format(stop=stop))
    command = [sys.executable, "-m", "stops", "convert", "stops://a", "--style", str(exemplar), "-o", "ir"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=90, env=environment, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.strip()) == (130, "Interrupted.")


@pytest.mark.parametrize("command", ["convert", "dataset"])
def test_a_remote_folder_is_brought_up_to_date(command: str, exemplar: Path, tmp_path: Path) -> None:
    photos, out, temporary = (tmp_path / name for name in ("photos", "out", "tmp"))
    for folder in (photos, temporary):
        folder.mkdir()
    for seed in range(150):
        Image.fromarray(photograph(120, 160, seed)).save(photos / f"{seed:03}.png", compress_level=1)
    arguments = [command, str(photos), "--style", str(exemplar), "--model", "histogram", "--threads", "1"]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ir_transfer", *arguments, "-o", f"local://{out}"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    deadline = time.monotonic() + 200
    while len(list(out.glob("*.png"))) < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "--resume" in errors
    assert "Traceback" not in errors
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    assert {line["output"] for line in lines} == {path.name for path in out.glob("*.png")}
    assert len(lines) < 150
    assert list(temporary.glob("ir-transfer-*")) == []
