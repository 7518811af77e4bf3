"""Resolves the styles given by the user and selects a matching model and its weights; does not import torch."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ir_transfer.conversion.inputs import expand
from ir_transfer.conversion.styles.catalog import (
    BLACK_HOT,
    WHITE_HOT,
    ExemplarFolder,
    NamedStyle,
    SavedStyle,
    Style,
    file_metadata,
    list_presets,
    read_saved_style,
    style_names_in,
    weights_file,
)
from ir_transfer.errors import InputError, UnknownNameError, WeightsError
from ir_transfer.imaging.image_names import ignored_text
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import model_info
from ir_transfer.models.style_names import BLACK_HOT_SUFFIX, LOOKS, unknown_style_message
from ir_transfer.resources import PRESET

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "adain"
_TOLERANCE = 1e-3  # of the sum of weights, which may be typed with three digits


@dataclass(frozen=True)
class StyleChoice:
    """The styles of a run with the model and weights that they require.

    Attributes:
        model: Name of the model.
        weights: Name or file of its weights, or ``"default"``.
        styles: Styles in the order given.
        shares: Blend weight of each style.
    """

    model: str
    weights: str
    styles: tuple[Style, ...]
    shares: tuple[float, ...]


def choose_styles(
    styles: Sequence[str], shares: Sequence[float] | None = None, model: str | None = None, weights: str | None = None
) -> StyleChoice:
    """Find the styles of a run and the model and weights that they require.

    Args:
        styles: Style exemplars (infrared images), folders of exemplars, saved codes (``.safetensors``) or
            ``preset:NAME``.
        shares: Blend weights, which sum to 1; equal by default.
        model: Name of the model; by default that of the first saved code, else of the weight file, else ``adain``.
        weights: Name or file; by default those of the first saved code or preset, else the model's default.

    Raises:
        UnknownNameError: An unknown model or preset.
        MissingFileError: A file does not exist.
        InputError: No style, invalid shares, or weights for a model that has none.
        WeightsError: A code of another model.
    """
    if not styles:
        raise InputError("expected at least one --style, got none: pass an exemplar or preset:NAME")
    given = (1 / len(styles),) * len(styles) if shares is None else _checked_shares(shares, len(styles))
    codes = {text: read_saved_style(Path(text)) for text in styles if Path(text).suffix == ".safetensors"}
    name = model or next((code.model for code in codes.values()), None) or _model_of(weights) or DEFAULT_MODEL
    info = model_info(name)
    if weights not in {None, "default"} and not info.needs_weights:
        raise InputError(f"expected no --weights for model {name!r}, which has none, got {weights}: omit it")
    found: dict[str, Style] = {
        text: ExemplarFolder(Path(text), tuple(expand_exemplars(str(Path(text)))))
        for text in styles
        if Path(text).is_dir()
    }
    found |= codes
    if LOOKS in info.controls:
        named = [text for text in styles if text.startswith(PRESET)]
        weights = weights or (_weights_with(named, info) if named else None)
        found |= {text: _find_named(text, info, weights) for text in named}
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


def expand_exemplars(text: str) -> list[Path]:
    """Return the images of a file, folder, glob or list of exemplars; other files in a folder are reported.

    Raises:
        IrTransferError: See :func:`~ir_transfer.conversion.inputs.expand`.
    """
    ignored: Counter[str] = Counter()
    files = [found.source for found in expand([text], ignored=ignored)]
    if ignored:
        logger.warning("exemplars in %s: %s", text, ignored_text(ignored))
    return files


def _checked_shares(shares: Sequence[float], styles: int) -> tuple[float, ...]:
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
    """Return the model that a weight file names; None for bundled weights."""
    path = Path(weights or "")
    return file_metadata(path).get("model") if path.suffix == ".safetensors" and path.is_file() else None


def _find_named(text: str, info: ModelInfo, weights: str | None) -> NamedStyle:
    known = style_names_in(weights_file(info, weights))
    name = text.removeprefix(PRESET)
    if name in known:
        return NamedStyle(name, WHITE_HOT)
    if name.endswith(BLACK_HOT_SUFFIX) and name.removesuffix(BLACK_HOT_SUFFIX) in known:
        return NamedStyle(name.removesuffix(BLACK_HOT_SUFFIX), BLACK_HOT)
    raise UnknownNameError(f"{text}: {unknown_style_message(info.name, known)}")


def _weights_with(styles: Sequence[str], info: ModelInfo) -> str | None:
    """Return the first bundled weights that have learned all of the styles, given as presets; None if none have."""
    wanted = {text.removeprefix(PRESET).removesuffix(BLACK_HOT_SUFFIX) for text in styles}
    return next((name for name in info.weights if wanted <= {*style_names_in(weights_file(info, name))}), None)


def _find_preset(name: str, info: ModelInfo, weights: str | None) -> SavedStyle:
    of_model = [preset for preset in list_presets() if preset.model == info.name]
    if not of_model:
        raise UnknownNameError(f"model {info.name!r} has no presets: pass an image with --style, or another --model")
    fitting = [preset for preset in of_model if weights is None or _is_for_weights(preset, info, weights)]
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


def _is_for_weights(preset: SavedStyle, info: ModelInfo, weights: str) -> bool:
    if Path(weights).is_file():
        return preset.metadata.get("weights_hash") == hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:16]
    wanted = info.weights[0] if weights == "default" and info.weights else weights
    return preset.weights in {wanted, f"{info.name}-{wanted}"}
