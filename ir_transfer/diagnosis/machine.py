"""Checks of the machine: memory, disk, processors, CUDA devices."""

from __future__ import annotations

import os
import tempfile

import psutil

from ir_transfer.diagnosis.check import Check

_LEAST_MEMORY = 10**9
_GB = 10**9


def check_memory() -> list[Check]:
    """Check that there is 1 GB of memory, and 1 GB of disk space for temporary files."""
    memory = psutil.virtual_memory()
    detail = f"{memory.available / _GB:.1f} GB available of {memory.total / _GB:.1f} GB, {os.cpu_count()} cores"
    free = psutil.disk_usage(tempfile.gettempdir()).free
    disk = f"{free / _GB:.1f} GB free in {tempfile.gettempdir()}"
    return [
        Check("memory", "ok", detail)
        if memory.available >= _LEAST_MEMORY
        else Check("memory", "failed", detail, "close other programs: 1 GB is needed"),
        Check("temporary files", "ok", disk)
        if free >= _LEAST_MEMORY
        else Check("temporary files", "failed", disk, "free some space, or set TMPDIR to another disk"),
    ]


def check_devices() -> list[Check]:
    """List the devices that torch can use; a build for CUDA on a machine without a GPU is not an error."""
    import torch

    threads = f"{torch.get_num_threads()} threads"
    found = [Check("cpu", "ok", f"{torch.backends.cpu.get_cpu_capability()}, {threads}")]
    if torch.version.cuda is None:
        return [*found, Check("cuda", "note", "torch was built without CUDA", "see pytorch.org for a build with it")]
    if not torch.cuda.is_available():
        detail = f"torch was built for CUDA {torch.version.cuda}, no device is available"
        return [*found, Check("cuda", "note", detail, "check nvidia-smi if this machine has a GPU")]
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        detail = f"{name}, {free / _GB:.1f} GB free of {total / _GB:.1f} GB, CUDA {torch.version.cuda}"
        found.append(Check(f"cuda:{index}", "ok", detail))
    return found
