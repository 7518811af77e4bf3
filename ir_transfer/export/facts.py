"""What an exported file says of itself; free of torch, and of the runtimes until a file is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self, get_args

from ir_transfer.errors import InputError, MissingFileError, MissingPackageError, WeightsError

FileKind = Literal["onnx", "openvino"]
Runtime = Literal["torch", "onnxruntime", "openvino"]
SUFFIXES: Mapping[FileKind, str] = {"onnx": ".onnx", "openvino": ".xml"}
"""Of the files of each kind; OpenVINO's has a ``.bin`` beside it."""

PREPROCESSING = (
    "image: float32 (1, 3, H, W), RGB with sRGB's own curve, 0 to 1 (8-bit levels / 255), H and W of at least 16; "
    "strength: float32 (1,), 0 to 1; infrared: float32 (1, 1, H, W), apparent intensity, 0 to 1"
)
IMAGE, STRENGTH, OUTPUT = "image", "strength", "infrared"
"""Names of the inputs that every file has, and of its output."""
_PREFIX = "ir_transfer"


@dataclass(frozen=True)
class FileFacts:
    """What an exported file says of itself.

    Attributes:
        model: Name of the model.
        weights: Name of the shipped weights; empty if they are a file of the user's.
        weights_hash: Of the weights.
        style: Hash of the style that is baked in; empty if the style is an input.
        style_name: The style as it was named; empty if the style is an input.
        style_inputs: Names of the style's inputs, with commas between; empty if the style is baked in.
        polarity: Of the results, ``"white-hot"`` or ``"black-hot"``; empty if the style is an input.
        band: Of the weights; empty if they do not say.
        version: Of ir-transfer.
        precision: ``"float32"`` or ``"int8"``.
        preprocessing: Inputs and output in words.
        largest_difference: From torch over the images of the check.
        calibration: What an int8 file costs, in words; empty for others.
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

    @property
    def is_baked(self) -> bool:
        """Whether the style is inside the file."""
        return not self.style_inputs

    def flat(self) -> dict[str, str]:
        """Return the facts by prefixed key, as ONNX stores them."""
        return {f"{_PREFIX}.{key}": text for key, text in asdict(self).items()}

    @classmethod
    def of(cls, path: Path, found: Mapping[str, str]) -> Self:
        """Return the facts from prefixed keys; unknown ones are left out.

        Raises:
            WeightsError: They are not all there: the file is not one of :mod:`ir_transfer.export`.
        """
        texts = {field.name: found.get(f"{_PREFIX}.{field.name}") for field in fields(cls)}
        if missing := [name for name, text in texts.items() if text is None]:
            raise WeightsError(
                f"expected {path} to be a file of ir-transfer export, got one that does not say its "
                f"{', '.join(missing)}: export it again"
            )
        return cls(**{name: str(text) for name, text in texts.items()})


def kind_of(path: Path) -> FileKind | None:
    """Return the kind of an exported file by its suffix; None if it has neither."""
    return next((kind for kind, suffix in SUFFIXES.items() if path.suffix == suffix), None)


def runtime_for(path: str | None, asked: Runtime | None) -> Runtime:
    """Return what runs the weights of a command line.

    Args:
        path: ``--weights`` as typed.
        asked: ``--runtime`` as typed.

    Raises:
        InputError: They contradict each other.
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
        raise InputError(f"expected --runtime onnxruntime or openvino with {path}, got torch: leave --runtime out")
    if kind == "openvino" and asked == "onnxruntime":
        raise InputError(f"expected --runtime openvino with {path}, got onnxruntime: export it with --to onnx for that")
    return asked or ("openvino" if kind == "openvino" else "onnxruntime")


def read_facts(path: Path) -> FileFacts:
    """Read what an exported file says of itself.

    Raises:
        MissingFileError: No such file.
        MissingPackageError: The extra ``export`` is not installed.
        WeightsError: Damaged, or not an exported file.
    """
    if not path.is_file():
        raise MissingFileError(f"expected an exported file at {path}, found none: check the path")
    return FileFacts.of(path, _onnx_facts(path) if kind_of(path) == "onnx" else _openvino_facts(path))


def _onnx_facts(path: Path) -> dict[str, str]:
    onnx = needed("onnx")
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's own error class is private and moves between its releases
        raise WeightsError(f"expected {path} to be an ONNX file, got: {error}: export it again") from error
    return {entry.key: entry.value for entry in model.metadata_props}


def _openvino_facts(path: Path) -> dict[str, str]:
    openvino = needed("openvino")
    try:
        model = openvino.Core().read_model(path)
    except RuntimeError as error:
        raise WeightsError(
            f"expected {path} to be an OpenVINO file, got: {_first_line(error)}: export it again"
        ) from error
    if not model.has_rt_info(_PREFIX):
        return {}
    found = model.get_rt_info(_PREFIX).astype(dict)
    return {f"{_PREFIX}.{key}": str(value.value if hasattr(value, "value") else value) for key, value in found.items()}


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def needed(package: str) -> Any:
    """Import and return a package of the extra ``export``.

    Raises:
        MissingPackageError: It is not installed.
    """
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"expected the package {package} to be installed, got none: pip install 'ir-transfer[export]'"
        ) from error
