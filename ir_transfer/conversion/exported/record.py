"""What a manifest says of the runtime; nothing where torch computes, so that older manifests still match."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ir_transfer.export.facts import Runtime
from ir_transfer.models.base import TranslationModel


def runtime_look(model: TranslationModel) -> dict[str, Any]:
    """Return runtime, hash and precision of an exported file, which decide the pixels; nothing for a torch model."""
    from ir_transfer.conversion.exported.model import ExportedModel

    if not isinstance(model, ExportedModel):
        return {}
    return {"runtime": model.runtime, "exported": model.file_hash, "exported_precision": model.facts.precision}


def runtime_versions(runtime: Runtime) -> dict[str, str]:
    """Return the version of a runtime by its name; nothing for torch, which is recorded anyway."""
    return {} if runtime == "torch" else {runtime: version(runtime)}
