"""Styles: exemplar files, saved codes and shipped presets, matched to a model and its weights without torch."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ir_transfer.conversion.inputs import expand
from ir_transfer.errors import InputError, MissingFileError, UnknownNameError, WeightsError
from ir_transfer.json_files import parse_json
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import list_models, model_info
from ir_transfer.models.style_names import BLACK_HOT_SUFFIX, LOOKS, stored_style_names, unknown_style_message
from ir_transfer.resources import PRESET, resource
from ir_transfer.yaml_fields import read_mapping

DEFAULT_MODEL = "adain"
WHITE_HOT, BLACK_HOT = "white-hot", "black-hot"
_TOLERANCE = 1e-3  # of a sum of weights typed with three digits
_LARGEST_HEADER = 100_000_000  # as in the safetensors format


@dataclass(frozen=True)
class SavedStyle:
    """A style code on disk, known by its header.

    Attributes:
        name: Name of the preset, or the file's stem.
        path: The file.
        metadata: Its strings: model, weights, weights_hash, band, polarity, description.
    """

    name: str
    path: Path
    metadata: Mapping[str, str]

    @property
    def model(self) -> str:
        """Model that prepared it."""
        return self.metadata.get("model", "")

    @property
    def weights(self) -> str:
        """Name of the bundled weights it belongs to; empty if the file does not say."""
        return self.metadata.get("weights", "")

    @property
    def polarity(self) -> str:
        """Declared polarity; white-hot if the file does not say."""
        return self.metadata.get("polarity") or WHITE_HOT


@dataclass(frozen=True)
class NamedLook:
    """A look that a model of fixed looks has learned.

    Attributes:
        name: Of the look, without the suffix of its polarity.
        polarity: ``"white-hot"`` or ``"black-hot"``.
    """

    name: str
    polarity: str


@dataclass(frozen=True)
class ExemplarFolder:
    """A folder of exemplars that make one look, in equal shares.

    Attributes:
        path: The folder.
        files: Its images with those of its sub-folders, sorted.
    """

    path: Path
    files: tuple[Path, ...]


@dataclass(frozen=True)
class InsideFile:
    """The style that is baked into an exported file.

    Attributes:
        path: The file.
    """

    path: Path


Style = SavedStyle | NamedLook | ExemplarFolder | InsideFile | Path


def exemplar_files(style: Style) -> tuple[Path, ...]:
    """Return the exemplar files of a style; none of a saved code or a look that is known by name."""
    if isinstance(style, ExemplarFolder):
        return style.files
    return (style,) if isinstance(style, Path) else ()


@dataclass(frozen=True)
class StyleChoice:
    """The styles of a run with the model and weights that they go with.

    Attributes:
        model: Name of the model.
        weights: Name or file of its weights, or ``"default"``.
        styles: Saved codes and paths of exemplars, in the order given.
        shares: Weight of each.
    """

    model: str
    weights: str
    styles: tuple[Style, ...]
    shares: tuple[float, ...]


def read_saved_style(path: Path) -> SavedStyle:
    """Read the header of a saved style.

    Raises:
        MissingFileError: No such file.
        WeightsError: Not a style of this package.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a style file at {path}, found none: check the path")
    metadata = _metadata(path)
    if metadata.get("kind") != "style":
        raise WeightsError(
            f"expected {path} to be a style of ir-transfer, got another file: make one with ir-transfer styles build"
        )
    return SavedStyle(path.stem, path, metadata)


def _metadata(path: Path) -> dict[str, str]:
    """Return the strings of a ``.safetensors`` file; none of a file that is not one."""
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
    """Return the presets that ship, by weights and name; reads headers only."""
    try:
        folder = resource("styles")
    except MissingFileError:
        return []
    presets = [read_saved_style(path) for path in sorted(folder.glob("*/*.safetensors"), key=_weights_and_name)]
    return [replace(preset, metadata={**preset.metadata, "weights": preset.path.parent.name}) for preset in presets]


def list_looks() -> list[SavedStyle]:
    """Return the looks of the bundled weights that know their looks by name, each as if its weights were its file."""
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
            about = {"model": info.name, "weights": weights, "band": weights.rpartition("-")[2], "polarity": WHITE_HOT}
            for name in looks_of(path):
                description = described.get(name, {}).get("description", "")
                found.append(SavedStyle(name, path, {**about, "description": description}))
    return found


def _weights_and_name(path: Path) -> tuple[str, str]:
    return path.parent.name, path.stem


def choose_styles(
    styles: Sequence[str], shares: Sequence[float] | None = None, model: str | None = None, weights: str | None = None
) -> StyleChoice:
    """Find the styles and the model and weights that go with them.

    Args:
        styles: Exemplar images, folders of such, saved codes (``.safetensors``) or ``preset:NAME``.
        shares: Weight of each, which sum to 1; equal by default.
        model: Name of the model; by default that of the first saved code, else of the weights file, else ``adain``.
        weights: Name or file; by default those of the first saved code or preset, else the model's default.

    Raises:
        UnknownNameError: No such model or preset.
        MissingFileError: No such file.
        InputError: No style, shares that do not fit, or weights for a model that has none.
        WeightsError: A code of another model.
    """
    if not styles:
        raise InputError("expected at least one --style, got none: name an exemplar or preset:NAME")
    given = (1 / len(styles),) * len(styles) if shares is None else _checked(shares, len(styles))
    codes = {text: read_saved_style(Path(text)) for text in styles if Path(text).suffix == ".safetensors"}
    name = model or next((code.model for code in codes.values()), None) or _model_of(weights) or DEFAULT_MODEL
    info = model_info(name)
    if weights not in {None, "default"} and not info.needs_weights:
        raise InputError(f"expected no --weights for model {name!r}, which has none, got {weights}: leave it out")
    found: dict[str, Style] = {text: _folder(Path(text)) for text in styles if Path(text).is_dir()}
    found |= codes
    if LOOKS in info.controls:
        named = [text for text in styles if text not in codes]
        weights = weights or _weights_that_know(named, info)
        found |= {text: _find_look(text, info, weights) for text in named}
    else:
        codes |= {
            text: _find_preset(text.removeprefix(PRESET), info, weights) for text in styles if text.startswith(PRESET)
        }
        found |= codes
    for code in codes.values():
        if code.model != name:
            raise WeightsError(
                f"{code.path}: expected a style of model {name!r}, got one of {code.model!r}: "
                f"pass --model {code.model}, or build the style again"
            )
    theirs = next((codes[text].weights for text in styles if text in codes), "")
    chosen = weights or (theirs if theirs in info.weights else "default")
    return StyleChoice(name, chosen, tuple(found.get(text, Path(text)) for text in styles), given)


def _folder(path: Path) -> ExemplarFolder:
    return ExemplarFolder(path, tuple(found.source for found in expand([str(path)])))


def _checked(shares: Sequence[float], styles: int) -> tuple[float, ...]:
    total = sum(shares)
    if len(shares) != styles or any(not 0 <= share < float("inf") for share in shares) or total <= 0:
        raise InputError(
            f"expected a weight >= 0 for each of {styles} styles, got {list(shares)}: "
            "give --style-weights one number for each"
        )
    if abs(total - 1) > _TOLERANCE:
        remedy = ",".join(f"{share / total:.4g}" for share in shares)
        raise InputError(
            f"expected weights that sum to 1, got {list(shares)} with sum {total:.6g}: "
            f"pass --style-weights {remedy} to keep their ratio"
        )
    return tuple(shares)


def _model_of(weights: str | None) -> str | None:
    """Return the model that a weights file says it belongs to."""
    path = Path(weights or "")
    return _metadata(path).get("model") if path.suffix == ".safetensors" and path.is_file() else None


def looks_of(weights: Path) -> tuple[str, ...]:
    """Return the looks that a weights file knows by name; none if its model reads exemplars."""
    return stored_style_names(_metadata(weights))


def _find_look(text: str, info: ModelInfo, weights: str | None) -> NamedLook:
    known = looks_of(_weights_file(info, weights))
    name = text.removeprefix(PRESET)
    if text.startswith(PRESET) and name in known:
        return NamedLook(name, WHITE_HOT)
    if text.startswith(PRESET) and name.endswith(BLACK_HOT_SUFFIX) and name.removesuffix(BLACK_HOT_SUFFIX) in known:
        return NamedLook(name.removesuffix(BLACK_HOT_SUFFIX), BLACK_HOT)
    message = f"{text}: {unknown_style_message(info.name, known)}"
    raise UnknownNameError(message) if text.startswith(PRESET) else InputError(message)


def _weights_that_know(styles: Sequence[str], info: ModelInfo) -> str | None:
    """Return the first bundled weights that know all of the looks, given as presets; None if none do."""
    wanted = {text.removeprefix(PRESET).removesuffix(BLACK_HOT_SUFFIX) for text in styles}
    return next((name for name in info.weights if wanted <= {*looks_of(_weights_file(info, name))}), None)


def _weights_file(info: ModelInfo, weights: str | None) -> Path:
    """Return the file of weights, bundled by name (also without the model's) or a path."""
    if weights is not None and Path(weights).is_file():
        return Path(weights)
    default = info.weights[0] if info.weights else ""
    name = default if weights in {None, "default"} else str(weights)
    name = name if name in info.weights else f"{info.name}-{name}"
    if name not in info.weights:
        raise UnknownNameError.among(f"weights of model {info.name}", str(weights), info.weights)
    return resource(f"weights/{name}.safetensors")


def _find_preset(name: str, info: ModelInfo, weights: str | None) -> SavedStyle:
    of_model = [preset for preset in list_presets() if preset.model == info.name]
    if not of_model:
        raise UnknownNameError(f"model {info.name!r} has no presets: pass an image with --style, or another --model")
    fitting = [preset for preset in of_model if weights is None or _belongs(preset, info, weights)]
    named = sorted(
        (preset for preset in fitting if preset.name == name),
        key=lambda preset: info.weights.index(preset.weights) if preset.weights in info.weights else len(info.weights),
    )
    if named:
        return named[0]
    elsewhere = [preset.weights for preset in of_model if preset.name == name]
    if elsewhere:
        raise UnknownNameError(
            f"preset {name!r} belongs to weights {' and '.join(elsewhere)}, not to {weights}: leave --weights out, "
            "or build the style again with ir-transfer styles build"
        )
    raise UnknownNameError.among(f"preset of model {info.name}", name, {preset.name for preset in of_model})


def _belongs(preset: SavedStyle, info: ModelInfo, weights: str) -> bool:
    if Path(weights).is_file():
        return preset.metadata.get("weights_hash") == hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:16]
    wanted = info.weights[0] if weights == "default" and info.weights else weights
    return preset.weights in {wanted, f"{info.name}-{wanted}"}
