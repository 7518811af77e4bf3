"""Resident memory of processes, in MiB."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def own_peak() -> float:
    """Return the peak of this process since it began."""
    peak = _status_field("self", "VmHWM")
    if peak is not None:
        return peak
    # Where /proc is missing. On Linux this field also remembers the parent of before exec, hence not the first choice.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def resident(process: int) -> float | None:
    """Return what a process holds now, or None if it has ended or the system has no /proc."""
    return _status_field(str(process), "VmRSS")


def peak(process: int) -> float | None:
    """Return the most that a process has held so far, or None if it has ended or the system has no /proc."""
    return _status_field(str(process), "VmHWM")


def _status_field(process: str, name: str) -> float | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) / 1024 if found else None
