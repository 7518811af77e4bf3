"""Writes exported files to a temporary folder first, and moves them to their place after a successful check."""

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ir_transfer.errors import EncodeError, IrTransferError
from ir_transfer.export.metadata import ExportMetadata, FileKind, require_package

Check = Callable[[Path], str]
"""Checks a written file and returns its largest difference as text, or raises."""


def write_exported(out: Path, kind: FileKind, traced: bytes, metadata: ExportMetadata, check: Check) -> ExportMetadata:
    """Write a traced graph with its metadata; if the check fails, no file is left.

    Args:
        out: Path of the file; the ``.bin`` of an OpenVINO file is written beside it.
        kind: Kind of file.
        traced: ONNX file without metadata.
        metadata: Metadata, without the largest difference, which the check returns.
        check: Called with the path of the temporary file.

    Raises:
        EncodeError: The folder cannot be written.
    """
    with folder_beside(out) as folder:
        temporary = folder / out.name
        _write(temporary, kind, traced, metadata)
        metadata = replace(metadata, largest_difference=check(temporary))
        _write(temporary, kind, traced, metadata)
        move(temporary, out, kind)
    return metadata


@contextmanager
def folder_beside(out: Path) -> Iterator[Path]:
    """Yield a temporary folder on the disk of a file to write; errors of writing into it name that file.

    Raises:
        EncodeError: The folder cannot be written, or the disk is full.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            yield Path(folder)
    except OSError as error:
        found = error.__cause__ if isinstance(error, EncodeError) else error  # of a folder in this one
        if not isinstance(found, OSError) or isinstance(found, IrTransferError):
            raise
        raise EncodeError(
            f"expected to write {out}, got: {found.strerror or found}: free some space, or choose another -o"
        ) from found


def move(temporary: Path, out: Path, kind: FileKind) -> None:
    """Move a file to its place, after its ``.bin``, so that the file never exists without it."""
    if kind == "openvino":
        shutil.move(temporary.with_suffix(".bin"), out.with_suffix(".bin"))
    temporary.replace(out)


def _write(path: Path, kind: FileKind, traced: bytes, metadata: ExportMetadata) -> None:
    if kind == "onnx":
        onnx = require_package("onnx")
        model = onnx.load_from_string(traced)
        onnx.helper.set_model_props(model, metadata.to_properties())
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())
        return
    save_openvino(require_package("openvino").Core().read_model(traced), path, metadata)


def save_openvino(model: Any, path: Path, metadata: ExportMetadata) -> None:
    """Write an OpenVINO model, float32 or int8, with its metadata.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    for key, text in metadata.to_properties().items():
        model.set_rt_info(text, key.split(".", 1))
    try:
        require_package("openvino").save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:  # OpenVINO does not say why, such as a full disk
        raise OSError(errno.EIO, f"OpenVINO cannot write it ({error})", str(path)) from error
