"""An exported file that translates arrays, and its record in the manifest; does not import torch."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
from numpy.typing import NDArray

from ir_transfer.conversion.exported.choose import exported_info
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import Runtime, read_metadata
from ir_transfer.export.sessions import Session, Shapes, inputs_of, open_session
from ir_transfer.models.run_options import RunOption, parsed_options

SHAPES_OPTION = {
    "shapes": RunOption(
        "static compiles the file for every image size, dynamic once for all sizes", str, choices=("static", "dynamic")
    )
}
"""Run-time option of OpenVINO."""

_BYTES_PER_PIXEL = 260
"""Measured peak memory of ONNX Runtime per pixel of a 12-megapixel image."""


class RunsFile(ABC):
    """A model that runs an exported file."""

    @property
    @abstractmethod
    def file(self) -> ExportedFile:
        """The file."""


class ExportedFile(RunsFile):
    """An exported file with the runtime that runs it.

    Args:
        path: The file.
        runtime: Runtime of the network.
        threads: Compute threads; the runtime's default if None.
        bfloat16: Whether OpenVINO may compute in bfloat16.

    Attributes:
        path: The file.
        facts: Metadata of the file.
        info: Capabilities of the exported model.
        runtime: Runtime of the network.
        file_hash: First 16 digits of the file's SHA-256.
        run_options: Options that :meth:`configure` accepts.
        hyper_parameters: Their values.

    Raises:
        InputError: The runtime does not compute in bfloat16.
        IrTransferError: The file cannot be used; see :func:`~ir_transfer.export.metadata.read_metadata`.
    """

    def __init__(self, path: Path, runtime: Runtime, threads: int | None = None, *, bfloat16: bool = False) -> None:
        self.facts = read_metadata(path)
        if bfloat16 and runtime != "openvino":
            raise InputError(
                f"expected --precision float32 with --runtime {runtime}, got bfloat16: use --runtime openvino for that"
            )
        self.path = path
        self.info = exported_info(self.facts.model)
        self.runtime: Runtime = runtime
        self.file_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.run_options: Mapping[str, RunOption] = SHAPES_OPTION if runtime == "openvino" else {}
        self.hyper_parameters: dict[str, Any] = {"shapes": "dynamic" if self._is_dynamic else "static"}
        self._threads, self._bfloat16 = threads, bfloat16
        self._session: Session | None = None

    @property
    def file(self) -> ExportedFile:
        """The file itself."""
        return self

    @property
    def weights_hash(self) -> str:
        """Hash of the weights that were exported."""
        return self.facts.weights_hash

    @property
    def _is_dynamic(self) -> bool:
        return self.facts.precision == "int8" and self.facts.compilation == "dynamic"

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options.

        Raises:
            UnknownNameError: No such option.
            InputError: A value that the option or the file does not support.
        """
        self.hyper_parameters |= parsed_options(self.info.name, self.run_options, options)
        if self._is_dynamic and self.hyper_parameters["shapes"] == "static":
            raise InputError(
                f"expected option shapes=dynamic for {self.path}, an int8 file of an earlier version, got static: "
                "leave the option out, or export the file again"
            )

    def run(
        self, image: NDArray[np.float32], strength: float, extra: Mapping[str, NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """Return the intensity (1, 1, H, W) of an image (1, 3, H, W); ``extra`` are the inputs of the style.

        Raises:
            InputError: The image does not fit into the free memory.
            IrTransferError: The runtime cannot be used; see :func:`~ir_transfer.export.sessions.open_session`.
        """
        refuse_large(image.shape[-2], image.shape[-1])
        return self._opened().run(inputs_of(image, strength, extra or {}))

    def _opened(self) -> Session:
        if self._session is None:  # opened late, since it depends on the run-time options
            shapes = cast("Shapes", self.hyper_parameters["shapes"])
            self._session = open_session(self.path, self.runtime, self._threads, bfloat16=self._bfloat16, shapes=shapes)
        return self._session


def refuse_large(height: int, width: int) -> None:
    """Raise :class:`InputError` for an image (H, W) that does not fit into the free memory of the machine.

    A runtime processes the whole image at once, and the system kills a process that runs out of memory silently.
    """
    needed, free = _BYTES_PER_PIXEL * height * width, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"expected {needed / 1e9:.1f} GB of free memory for {width} x {height} pixels, got {free / 1e9:.1f} GB: "
            "use --runtime torch with the weights themselves, which works in tiles"
        )


def runtime_settings(model: object) -> dict[str, Any]:
    """Return runtime, hash and precision of an exported file, for the manifest; nothing for a model in torch.

    Manifests from before exported files existed thus still match.
    """
    if not isinstance(model, RunsFile):
        return {}
    file = model.file
    return {"runtime": file.runtime, "exported": file.file_hash, "exported_precision": file.facts.precision}


def runtime_versions(runtime: Runtime) -> dict[str, str]:
    """Return the version of a runtime by its name; nothing for torch, whose version is recorded in any case."""
    return {} if runtime == "torch" else {runtime: version(runtime)}
