"""Memory of real processes."""

from __future__ import annotations

import os
import subprocess
import sys

from ir_transfer.evaluation.process_memory import own_peak, peak, resident


def test_own_peak_grows_with_what_is_held() -> None:
    code = "from ir_transfer.evaluation.process_memory import own_peak as p; a=p(); b=bytearray(2**26); print(p()-a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 60 < float(done.stdout) < 70
    assert own_peak() > 20


def test_other_processes_are_seen_until_they_end() -> None:
    now, most = resident(os.getpid()), peak(os.getpid())
    if sys.platform == "linux":
        assert now is not None
        assert most is not None
        assert 0 < now <= most + 1
    assert resident(2**30) is None
