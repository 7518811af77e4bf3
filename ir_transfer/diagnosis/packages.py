"""Checks of installed packages and of the machine: memory, disk, processors, CUDA devices."""

import os
import platform
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
from packaging.requirements import Requirement

import ir_transfer
from ir_transfer.code_version import code_version
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


_NAME = "ir-transfer"
_FOR_DEVELOPERS = "dev"


def versions() -> dict[str, str]:
    """Return the versions for a bug report: this package, Python, the operating system and the core packages."""
    code = code_version()
    core = {one.name: _installed(one.name) or "missing" for one in requirements(None)}
    return {
        _NAME: ir_transfer.__version__,
        "commit": code.get("commit", "unknown") + (" with changes" if code.get("dirty") == "true" else ""),
        "python": platform.python_version(),
        "system": platform.platform(),
        **core,
    }


def check_packages() -> list[Check]:
    """Check that the core requirements are installed in a compatible version."""
    found = []
    for asked in requirements(None):
        there = _installed(asked.name)
        if there is None:
            found.append(Check(asked.name, "failed", "not installed", f"pip install '{asked}'"))
        elif not asked.specifier.contains(there, prereleases=True):
            found.append(Check(asked.name, "failed", f"{there}, expected {asked.specifier}", f"pip install '{asked}'"))
        else:
            found.append(Check(asked.name, "ok", there))
    return found


def check_extras() -> list[Check]:
    """Check which extras are installed; all are optional."""
    found = []
    for extra in extras():
        missing = [
            asked.name
            for asked in requirements(extra)
            if (there := _installed(asked.name)) is None or not asked.specifier.contains(there, prereleases=True)
        ]
        if missing:
            remedy = f"pip install '{_NAME}[{extra}]' if you need it"
            found.append(Check(f"extra {extra}", "note", f"not installed: {', '.join(missing)}", remedy))
        else:
            found.append(Check(f"extra {extra}", "ok", "installed"))
    return found


def extras() -> list[str]:
    """Return the names of the extras for users."""
    declared = _project().get("optional-dependencies", {}) if _is_checkout() else None
    names = declared if declared is not None else metadata.metadata(_NAME).get_all("Provides-Extra") or []
    return sorted(name for name in names if name != _FOR_DEVELOPERS)


def requirements(extra: str | None) -> list[Requirement]:
    """Return the requirements of an extra, or the core requirements if None."""
    return list(_requirements(extra))


def _requirements(extra: str | None) -> Iterator[Requirement]:
    if _is_checkout():
        project = _project()
        for text in project["dependencies"] if extra is None else project["optional-dependencies"][extra]:
            yield Requirement(text)
        return
    for text in metadata.requires(_NAME) or []:
        asked = Requirement(text)
        if extra is None:
            wanted = asked.marker is None or asked.marker.evaluate({"extra": ""})
        else:
            # Without core requirements, which also apply without an extra.
            wanted = asked.marker is not None and not asked.marker.evaluate({"extra": ""})
            wanted = wanted and asked.marker is not None and asked.marker.evaluate({"extra": extra})
        if wanted:
            yield asked


def _pyproject() -> Path:
    return Path(ir_transfer.__file__).resolve().parent.parent / "pyproject.toml"


def _is_checkout() -> bool:
    """Return whether this is a checkout, whose pyproject.toml may be newer than the metadata of the installation."""
    return _pyproject().is_file() and _project().get("name") == _NAME


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads(_pyproject().read_text(encoding="utf-8")).get("project", {})
    return project


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
