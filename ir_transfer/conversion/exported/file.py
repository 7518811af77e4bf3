"""An exported file that translates arrays; free of torch."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
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
        "static compiles the file for every size of image, dynamic once for all", str, choices=("static", "dynamic")
    )
}
"""The run option of OpenVINO."""

_BYTES_PER_PIXEL = 260
"""Measured peak of ONNX Runtime for each pixel of an image of 12 megapixels."""


class RunsFile(ABC):
    """What translates by an exported file."""

    @property
    @abstractmethod
    def file(self) -> ExportedFile:
        """The file."""


class ExportedFile(RunsFile):
    """A file that was exported, with the runtime that runs it.

    Args:
        path: The file.
        runtime: What runs it.
        threads: That compute; the runtime's choice if None.
        bfloat16: Whether OpenVINO may compute in bfloat16.

    Attributes:
        path: The file.
        facts: What the file says of itself.
        info: What it declares in the place of its model.
        runtime: What runs it.
        file_hash: Of the file.
        run_options: Options that :meth:`configure` takes.
        hyper_parameters: Their values.

    Raises:
        InputError: A runtime that cannot compute in bfloat16.
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
        self.hyper_parameters: dict[str, Any] = {"shapes": "dynamic" if self._is_int8 else "static"}
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
    def _is_int8(self) -> bool:
        return self.facts.precision == "int8"

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options.

        Raises:
            UnknownNameError: No such option.
            InputError: A value that the option or the file does not take.
        """
        self.hyper_parameters |= parsed_options(self.info.name, self.run_options, options)
        if self._is_int8 and self.hyper_parameters["shapes"] == "static":
            raise InputError(
                f"expected option shapes=dynamic for {self.path}, which is int8, got static, where OpenVINO fails: "
                "leave the option out"
            )

    def run(
        self, image: NDArray[np.float32], strength: float, extra: Mapping[str, NDArray[np.float32]] | None = None
    ) -> NDArray[np.float32]:
        """Return the intensity (1, 1, H, W) of an image (1, 3, H, W); ``extra`` are the style's own inputs.

        Raises:
            InputError: The free memory has no room for it.
            IrTransferError: The runtime cannot be used; see :func:`~ir_transfer.export.sessions.open_session`.
        """
        refuse_large(image.shape[-2], image.shape[-1])
        return self._opened().run(inputs_of(image, strength, extra or {}))

    def _opened(self) -> Session:
        if self._session is None:  # once run-time options are known
            shapes = cast("Shapes", self.hyper_parameters["shapes"])
            self._session = open_session(self.path, self.runtime, self._threads, bfloat16=self._bfloat16, shapes=shapes)
        return self._session


def refuse_large(height: int, width: int) -> None:
    """Raise :class:`InputError` for an image (H, W) that the free memory of the machine has no room for.

    A runtime takes the whole image, and a system that is out of memory ends the process without a message.
    """
    needed, free = _BYTES_PER_PIXEL * height * width, psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"expected {needed / 1e9:.1f} GB of free memory for {width} x {height} pixels, got {free / 1e9:.1f} GB: "
            "use --runtime torch with the weights themselves, which works by tiles"
        )
