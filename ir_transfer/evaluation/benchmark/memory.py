"""Peak resident memory of processes, in MiB; psutil has no peak on Linux."""

import resource
import sys
from pathlib import Path


def own_peak() -> float:
    """Return the peak resident memory of this process since its start."""
    peak = _status_field("self", "VmHWM")
    if peak is not None:
        return peak
    # For systems without /proc: on Linux this field includes the parent's memory before exec.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def peak(process: int) -> float | None:
    """Return the peak resident memory of a process, or None if it has ended or the system has no /proc."""
    return _status_field(str(process), "VmHWM")


def _status_field(process: str, name: str) -> float | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) / 1024 if found else None
