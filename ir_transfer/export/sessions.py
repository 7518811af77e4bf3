"""Inference sessions that run an exported file without torch; several threads may share one."""

import importlib
import math
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import WeightsError
from ir_transfer.export.metadata import IMAGE, STRENGTH, Runtime, require_package

Shapes = Literal["static", "dynamic"]
_COMPILED_SIZES = 4
_CPU = "CPU"


class Session(ABC):
    """An exported file, loaded for inference."""

    @abstractmethod
    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the infrared image (1, 1, H, W) for named inputs; see :func:`inputs_of`.

        Raises:
            MemoryError: The runtime could not allocate memory.
        """


class OnnxRuntimeSession(Session):
    """Session of ONNX Runtime on the CPU.

    Args:
        path: An ``.onnx`` file.
        threads: Number of threads; None lets the runtime decide.

    Raises:
        MissingPackageError: ONNX Runtime is not installed.
        WeightsError: It cannot read the file.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        runtime = require_package("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the error classes of ONNX Runtime have no common base
            raise WeightsError(f"expected {path} to run in ONNX Runtime, got: {error}: export it again") from error

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the infrared image (1, 1, H, W); see :meth:`Session.run`."""
        try:
            found: NDArray[np.float32] = self._session.run(None, dict(inputs))[0]
        except Exception as error:
            raise_memory_error(error)
            raise
        return found


class OpenVinoSession(Session):
    """Session of OpenVINO on the CPU.

    Args:
        path: An ``.xml`` or ``.onnx`` file.
        threads: Number of threads; None lets the runtime decide.
        bfloat16: Whether convolutions may be computed in bfloat16.
        shapes: ``"static"`` compiles the graph for each image size, which takes about a second, and is then faster;
            ``"dynamic"`` compiles it once.

    Raises:
        MissingPackageError: OpenVINO is not installed.
        WeightsError: It cannot read the file.
    """

    def __init__(
        self, path: Path, threads: int | None = None, *, bfloat16: bool = False, shapes: Shapes = "static"
    ) -> None:
        self._runtime = require_package("openvino")
        self._core = self._runtime.Core()
        try:
            self._model = self._core.read_model(path)
        except RuntimeError as error:
            raise WeightsError(f"expected {path} to run in OpenVINO, got: {error}: export it again") from error
        # Without this hint, OpenVINO computes in bfloat16 on processors that support it.
        self._options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32"}
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._shapes = shapes
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the infrared image (1, 1, H, W); see :meth:`Session.run`."""
        try:
            request = self._compiled_for(inputs).create_infer_request()
            request.infer(dict(inputs))
            return np.array(request.get_output_tensor().data)
        except RuntimeError as error:
            raise_memory_error(error)
            raise

    def _compiled_for(self, inputs: Mapping[str, NDArray[np.float32]]) -> Any:
        size = inputs["image"].shape if self._shapes == "static" else ()
        with self._lock:
            if size not in self._compiled:
                model = self._model
                if size:
                    model = model.clone()
                    model.reshape({name: list(value.shape) for name, value in inputs.items()})
                    _replace_trivial_sums(model)
                self._compiled[size] = self._core.compile_model(model, _CPU, self._options)
                if len(self._compiled) > _COMPILED_SIZES:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(size)
            return self._compiled[size]


def _replace_trivial_sums(model: Any) -> None:
    """Replace sums over one element in an OpenVINO model of fixed shapes: they take 12 of 150 ms."""
    opset = importlib.import_module("openvino.opset13")
    for node in model.get_ops():
        if node.get_type_name() != "ReduceSum":
            continue
        before, after = node.input(0).get_partial_shape(), node.output(0).get_partial_shape()
        if before.is_static and math.prod(before.to_shape()) == math.prod(after.to_shape()):
            same = opset.reshape(node.input_value(0), np.array(after.to_shape(), np.int64), special_zero=False)
            for reader in node.output(0).get_target_inputs():
                reader.replace_source_output(same.output(0))


def open_session(
    path: Path, runtime: Runtime, threads: int | None = None, *, bfloat16: bool = False, shapes: Shapes = "static"
) -> Session:
    """Return a session of a runtime; see the session classes for arguments and errors."""
    if runtime == "openvino":
        return OpenVinoSession(path, threads, bfloat16=bfloat16, shapes=shapes)
    return OnnxRuntimeSession(path, threads)


def raise_memory_error(error: Exception) -> None:
    """Raise :class:`MemoryError` if the message of a runtime error is about a failed allocation."""
    text = str(error).lower()
    if any(sign in text for sign in ("bad allocation", "bad_alloc", "failed to allocate", "could not allocate")):
        raise MemoryError(str(error)) from error


def inputs_of(
    image: NDArray[np.float32], strength: float, extra: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return the named inputs of a file: an image (1, 3, H, W) in [0, 1], the strength, and style inputs."""
    return {IMAGE: np.ascontiguousarray(image), STRENGTH: np.array([strength], np.float32), **extra}
