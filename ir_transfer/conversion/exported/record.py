"""What a manifest says of the runtime; nothing where torch computes, so that older manifests still match."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ir_transfer.conversion.exported.file import RunsFile
from ir_transfer.export.metadata import Runtime


def runtime_look(model: object) -> dict[str, Any]:
    """Return runtime, hash and precision of an exported file, which decide the pixels; nothing for other models."""
    if not isinstance(model, RunsFile):
        return {}
    file = model.file
    return {"runtime": file.runtime, "exported": file.file_hash, "exported_precision": file.facts.precision}


def runtime_versions(runtime: Runtime) -> dict[str, str]:
    """Return the version of a runtime by its name; nothing for torch, which is recorded anyway."""
    return {} if runtime == "torch" else {runtime: version(runtime)}
