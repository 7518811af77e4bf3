"""Kinds of styles, and the bundled presets and learned styles; reads only headers, without torch."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ir_transfer.errors import MissingFileError, UnknownNameError, WeightsError
from ir_transfer.json_files import parse_json
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import list_models, model_info
from ir_transfer.models.style_names import LOOKS, stored_style_names
from ir_transfer.resources import resource
from ir_transfer.yaml_fields import read_mapping

WHITE_HOT, BLACK_HOT = "white-hot", "black-hot"
_LARGEST_HEADER = 100_000_000  # limit of the safetensors format


@dataclass(frozen=True)
class SavedStyle:
    """A style code on disk, of which only the header is read.

    Attributes:
        name: Name of the preset, or stem of the file.
        path: The file.
        metadata: Strings of the header: model, weights, weights_hash, band, polarity, description.
    """

    name: str
    path: Path
    metadata: Mapping[str, str]

    @property
    def model(self) -> str:
        """Name of the model that encoded it."""
        return self.metadata.get("model", "")

    @property
    def weights(self) -> str:
        """Name of the bundled weights that encoded it; empty if not recorded."""
        return self.metadata.get("weights", "")

    @property
    def polarity(self) -> str:
        """Declared polarity; white-hot if not recorded."""
        return self.metadata.get("polarity") or WHITE_HOT


@dataclass(frozen=True)
class NamedStyle:
    """A style that a model with fixed styles has learned.

    Attributes:
        name: Name of the style, without the suffix of its polarity.
        polarity: ``"white-hot"`` or ``"black-hot"``.
    """

    name: str
    polarity: str


@dataclass(frozen=True)
class ExemplarFolder:
    """A folder of style exemplars, which are blended into one style in equal shares.

    Attributes:
        path: The folder.
        files: Images of the folder and its sub-folders, sorted.
    """

    path: Path
    files: tuple[Path, ...]


@dataclass(frozen=True)
class BakedStyleFile:
    """The style baked into an exported file."""

    path: Path


Style = SavedStyle | NamedStyle | ExemplarFolder | BakedStyleFile | Path


def exemplar_files(style: Style) -> tuple[Path, ...]:
    """Return the exemplar files of a style; none for saved, named and baked-in styles."""
    if isinstance(style, ExemplarFolder):
        return style.files
    return (style,) if isinstance(style, Path) else ()


def read_saved_style(path: Path) -> SavedStyle:
    """Read the header of a saved style.

    Raises:
        MissingFileError: The file does not exist.
        WeightsError: It is not a style of this package.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a style file at {path}, found none: check the path")
    metadata = file_metadata(path)
    if metadata.get("kind") != "style":
        raise WeightsError(
            f"expected {path} to be a style of ir-transfer, got another file: make one with ir-transfer styles build"
        )
    return SavedStyle(path.stem, path, metadata)


def file_metadata(path: Path) -> dict[str, str]:
    """Return the metadata strings of a ``.safetensors`` file; none for other files."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _LARGEST_HEADER
        head = file.read(length) if length < _LARGEST_HEADER else b""
    try:
        metadata = parse_json(head, str(path))["__metadata__"]
    except (ValueError, TypeError, LookupError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def list_presets() -> list[SavedStyle]:
    """Return the bundled presets, sorted by weights and name."""
    try:
        folder = resource("styles")
    except MissingFileError:
        return []
    paths = sorted(folder.glob("*/*.safetensors"), key=lambda path: (path.parent.name, path.stem))
    presets = map(read_saved_style, paths)
    return [replace(preset, metadata={**preset.metadata, "weights": preset.path.parent.name}) for preset in presets]


def list_named_styles() -> list[SavedStyle]:
    """Return the styles that bundled weights with fixed styles have learned; the path of each is its weight file."""
    try:
        described = read_mapping(resource("configs/styles.yaml"), "list of presets", "reinstall ir-transfer")
        folder = resource("weights")
    except MissingFileError:
        return []
    found = []
    for info in (model_info(name) for name in list_models()):
        for weights in info.weights if LOOKS in info.controls else ():
            if not (path := folder / f"{weights}.safetensors").is_file():
                continue
            metadata = {
                "model": info.name,
                "weights": weights,
                "band": weights.rpartition("-")[2],
                "polarity": WHITE_HOT,
            }
            for name in style_names_in(path):
                description = described.get(name, {}).get("description", "")
                found.append(SavedStyle(name, path, {**metadata, "description": description}))
    return found


def style_names_in(weights: Path) -> tuple[str, ...]:
    """Return the names of the styles that a weight file has learned; none if its model takes exemplars."""
    return stored_style_names(file_metadata(weights))


def weights_file(info: ModelInfo, weights: str | None) -> Path:
    """Return the file of weights.

    Args:
        info: The model.
        weights: A path, the name of bundled weights with or without the prefix of the model's name, or ``"default"``.

    Raises:
        UnknownNameError: The model has no such weights.
    """
    if weights is not None and Path(weights).is_file():
        return Path(weights)
    default = info.weights[0] if info.weights else ""
    name = default if weights in {None, "default"} else str(weights)
    name = name if name in info.weights else f"{info.name}-{name}"
    if name not in info.weights:
        raise UnknownNameError.among(f"weights of model {info.name}", str(weights), info.weights)
    return resource(f"weights/{name}.safetensors")
