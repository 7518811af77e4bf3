"""Writes exported files: to a temporary folder first, and to their place after a successful check."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ir_transfer.errors import EncodeError
from ir_transfer.export.facts import FileFacts, FileKind, needed

Check = Callable[[Path], str]
"""Checks a written file and returns its largest difference as text, or raises."""


def write_exported(out: Path, kind: FileKind, traced: bytes, facts: FileFacts, check: Check) -> FileFacts:
    """Write a traced graph with its metadata; if the check fails, no file is left.

    Args:
        out: Path of the file; the ``.bin`` of an OpenVINO file is written beside it.
        kind: Kind of file.
        traced: ONNX file without metadata.
        facts: Metadata, without the largest difference, which the check returns.
        check: Called with the path of the temporary file.

    Raises:
        EncodeError: The folder cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            temporary = Path(folder) / out.name
            _write(temporary, kind, traced, facts)
            facts = replace(facts, largest_difference=check(temporary))
            _write(temporary, kind, traced, facts)
            move(temporary, out, kind)
    except OSError as error:
        raise EncodeError(f"expected to write {out}, got: {error.strerror or error}: choose another -o") from error
    return facts


def move(temporary: Path, out: Path, kind: FileKind) -> None:
    """Move a file to its place, after its ``.bin``, so that the file never exists without it."""
    if kind == "openvino":
        shutil.move(temporary.with_suffix(".bin"), out.with_suffix(".bin"))
    temporary.replace(out)


def _write(path: Path, kind: FileKind, traced: bytes, facts: FileFacts) -> None:
    if kind == "onnx":
        onnx = needed("onnx")
        model = onnx.load_from_string(traced)
        onnx.helper.set_model_props(model, facts.flat())
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
        return
    save_openvino(needed("openvino").Core().read_model(traced), path, facts)


def save_openvino(model: Any, path: Path, facts: FileFacts) -> None:
    """Write an OpenVINO model, float32 or int8, with its metadata."""
    for key, text in facts.flat().items():
        model.set_rt_info(text, key.split(".", 1))
    needed("openvino").save_model(model, path, compress_to_fp16=False)
