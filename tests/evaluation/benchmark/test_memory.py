"""Memory of real processes."""

from __future__ import annotations

import os
import subprocess
import sys

from ir_transfer.evaluation.benchmark.memory import own_peak, peak


def test_peak_memory_grows_with_allocations() -> None:
    code = "from ir_transfer.evaluation.benchmark.memory import own_peak as p; a=p(); b=bytearray(2**26); print(p()-a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 60 < float(done.stdout) < 70
    assert own_peak() > 20


def test_other_processes_are_listed_until_they_exit() -> None:
    most = peak(os.getpid())
    if sys.platform == "linux":
        assert most is not None
        assert most > 20
    assert peak(2**30) is None
