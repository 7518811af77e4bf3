from __future__ import annotations

import subprocess
import sys

import pytest

_FAULTS = """
import resource
import numpy as np
from ir_transfer.heap import reuse_freed
if {reused}:
    reuse_freed()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(300):
    np.ones(48 * 2**20, np.uint8)  # glibc never reuses blocks of more than 32 MiB by itself
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's mallopt")
def test_freed_memory_is_reused() -> None:
    faults = [
        int(subprocess.run([sys.executable, "-c", _FAULTS.format(reused=reused)], stdout=-1, check=True).stdout)
        for reused in (False, True)
    ]
    assert faults[1] < faults[0] / 5
