"""Metadata of exported files. Imports neither torch nor, before a file is opened, a runtime."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

from ir_transfer.errors import InputError, MissingFileError, MissingPackageError, WeightsError, one_line

FileKind = Literal["onnx", "openvino"]
Runtime = Literal["torch", "onnxruntime", "openvino"]
SUFFIXES: Mapping[FileKind, str] = {"onnx": ".onnx", "openvino": ".xml"}
"""File suffix by kind; an OpenVINO file has its weights in a ``.bin`` beside it."""

PREPROCESSING = (
    "image: float32 (1, 3, H, W), RGB with sRGB's own curve, 0 to 1 (8-bit levels / 255), H and W of at least 16; "
    "strength: float32 (1,), 0 to 1; infrared: float32 (1, 1, H, W), apparent intensity, 0 to 1"
)
IMAGE, STRENGTH, OUTPUT = "image", "strength", "infrared"
"""Names of the inputs and of the output of every file."""
_PREFIX = "ir_transfer"


@dataclass(frozen=True)
class ExportMetadata:
    """Metadata stored in an exported file. All values are text.

    Attributes:
        model: Name of the model.
        weights: Name of the bundled weights; empty for other weights.
        weights_hash: Hash of the weights.
        style: Hash of the style in the file; empty if the style is an input.
        style_name: Value of ``--style``; empty if the style is an input.
        style_inputs: Comma-separated names of the style inputs; empty if the file contains a style.
        polarity: Polarity of the results, ``"white-hot"`` or ``"black-hot"``; empty if the style is an input.
        band: Infrared band of the weights; empty if unknown.
        version: Version of ir-transfer.
        precision: ``"float32"`` or ``"int8"``.
        preprocessing: Description of the inputs and the output.
        largest_difference: Largest difference from torch in the comparison at export.
        calibration: Quality loss of an int8 file; empty for others.
        compilation: ``"any"``, or ``"dynamic"`` for int8 files of earlier versions: OpenVINO crashes when it compiles
            them for a fixed size.
    """

    model: str
    weights: str
    weights_hash: str
    style: str
    style_name: str
    style_inputs: str
    polarity: str
    band: str
    version: str
    precision: str = "float32"
    preprocessing: str = PREPROCESSING
    largest_difference: str = ""
    calibration: str = ""
    compilation: str = "any"

    @property
    def is_baked(self) -> bool:
        """Whether the file contains a style."""
        return not self.style_inputs

    def to_properties(self) -> dict[str, str]:
        """Return the metadata by prefixed key, as stored in ONNX files."""
        return {f"{_PREFIX}.{key}": text for key, text in asdict(self).items()}

    @classmethod
    def from_properties(cls, path: Path, properties: Mapping[str, str]) -> Self:
        """Return the metadata from prefixed keys; unknown keys are ignored.

        Raises:
            WeightsError: A key is missing, so the file was not written by :mod:`ir_transfer.export`.
        """
        texts = {field.name: properties.get(f"{_PREFIX}.{field.name}") for field in fields(cls)}
        texts["compilation"] = texts["compilation"] or "dynamic"  # written since int8 files can be compiled for a size
        if missing := [name for name, text in texts.items() if text is None]:
            raise WeightsError(
                f"expected {path} to be a file of ir-transfer export, got one without metadata on "
                f"{', '.join(missing)}: export it again"
            )
        return cls(**{name: str(text) for name, text in texts.items()})


def kind_of(path: Path) -> FileKind | None:
    """Return the kind of an exported file by its suffix; None for other suffixes."""
    return next((kind for kind, suffix in SUFFIXES.items() if path.suffix == suffix), None)


def runtime_for(path: str | None, asked: Runtime | None) -> Runtime:
    """Return the runtime for given weights.

    Raises:
        InputError: The runtime cannot run these weights.
    """
    kind = None if path is None else kind_of(Path(path))
    if asked not in {None, *get_args(Runtime)}:
        raise InputError(f"expected --runtime to be one of {', '.join(get_args(Runtime))}, got {asked!r}")
    if kind is None:
        if asked in {None, "torch"}:
            return "torch"
        raise InputError(
            f"expected an exported file (.onnx, .xml) as --weights with --runtime {asked}, got {path}: make one with "
            "ir-transfer export"
        )
    if asked == "torch":
        raise InputError(f"expected --runtime onnxruntime or openvino with {path}, got torch: omit --runtime")
    if kind == "openvino" and asked == "onnxruntime":
        raise InputError(f"expected --runtime openvino with {path}, got onnxruntime: export it with --to onnx for that")
    return asked or ("openvino" if kind == "openvino" else "onnxruntime")


def read_metadata(path: Path) -> ExportMetadata:
    """Read the metadata of an exported file.

    Raises:
        MissingFileError: The file does not exist.
        MissingPackageError: The extra ``export`` is not installed.
        WeightsError: The file is damaged or was not exported by ir-transfer.
    """
    if not path.is_file():
        raise MissingFileError(f"expected an exported file at {path}, found none: check the path")
    found = _onnx_metadata(path) if kind_of(path) == "onnx" else _openvino_metadata(path)
    return ExportMetadata.from_properties(path, found)


def _onnx_metadata(path: Path) -> dict[str, str]:
    onnx = require_package("onnx")
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's error class is private and moves between releases
        raise WeightsError(f"expected {path} to be an ONNX file, got: {error}: export it again") from error
    return {entry.key: entry.value for entry in model.metadata_props}


def _openvino_metadata(path: Path) -> dict[str, str]:
    openvino = require_package("openvino")
    try:
        model = openvino.Core().read_model(path)
    except RuntimeError as error:
        raise WeightsError(
            f"expected {path} to be an OpenVINO file, got: {one_line(error)}: export it again"
        ) from error
    if not model.has_rt_info(_PREFIX):
        return {}
    found = model.get_rt_info(_PREFIX).astype(dict)
    return {f"{_PREFIX}.{key}": str(value.value if hasattr(value, "value") else value) for key, value in found.items()}


def require_package(package: str) -> Any:
    """Import and return a package of the extra ``export``.

    Raises:
        MissingPackageError: The package is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"expected the package {package} to be installed, got none: pip install 'ir-transfer[export]'"
        ) from error
