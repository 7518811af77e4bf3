"""Recipes: YAML files that mirror these dataclasses one to one."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class ModelSection:
    """Which model: its registry name and constructor arguments."""

    name: str
    hyper_parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A pair set: folder below the data root, share of the draws, and a width to shrink to."""

    path: str
    share: float = 1.0
    max_width: int | None = None


@dataclass(frozen=True)
class DataSection:
    """What is learned from.

    Attributes:
        band: ``lwir`` or ``nir``.
        sources: Training pair sets.
        validation: Pair set below the data root that is never trained on.
        validation_every: Every how many-th pair of that set validates; if the set is also a source, those pairs
            are taken out of the training.
        validation_exemplar: Infrared picture below the data root that conditions validation.
        crop: Side of the training crop in pixels.
        own_exemplar: Share of samples whose exemplar is another crop of their own truth.
        tone_spread: Strength of the random tone curves.
        flips: Share of samples turned black-hot.
    """

    band: str
    sources: list[Source]
    validation: str
    validation_exemplar: str
    validation_every: int = 1
    crop: int = 192
    own_exemplar: float = 0.3
    tone_spread: float = 1.0
    flips: float = 0.5


@dataclass(frozen=True)
class TrainingSection:
    """How it is learned.

    Attributes:
        steps: Length of the training; the learning rate is held, then falls linearly over ``decay_steps``.
        batch_size: Crops per step.
        lr: Peak learning rate (see :mod:`ir_transfer.training.muon`).
        warmup_steps: Steps of linear warm-up.
        decay_steps: Steps of the final decay.
        weight_decay: Decoupled, of every parameter.
        clip: Largest gradient norm.
        ema: Decay of the weight average that is validated and shipped.
        starts: First step of a loss, by name: those that judge texture only disturb while the tone is not there.
        reconstruction: Share of samples translated at strength 0, whose truth is the photograph's luminance.
        precision: ``bfloat16`` autocast or ``float32``.
        validate_every: Steps between validations.
        checkpoint_minutes: Minutes between checkpoints.
        seed: Of everything that is random.
    """

    steps: int = 6000
    batch_size: int = 6
    lr: float = 5e-4
    warmup_steps: int = 200
    decay_steps: int = 1500
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    starts: dict[str, int] = field(default_factory=dict)
    reconstruction: float = 0.1
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    validate_every: int = 500
    checkpoint_minutes: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class Recipe:
    """A training run: model, data, loss weights by name, training."""

    model: ModelSection
    data: DataSection
    losses: dict[str, float]
    training: TrainingSection = field(default_factory=TrainingSection)


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe; an override is a dotted key with a YAML value, as in ``{"training.lr": "1e-4"}``.

    Raises:
        MissingFileError: No such file.
        InputError: Not a YAML mapping, or a value of the wrong type.
        UnknownNameError: An unknown key; the message has the closest names.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a recipe at {path}, found none: see configs/train")
    try:
        raw = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"expected {path} to be YAML, got: {error}") from error
    if not isinstance(raw, dict):
        raise InputError(f"expected {path} to be a mapping, got {type(raw).__name__}")
    for dotted, text in (overrides or {}).items():
        *parents, leaf = dotted.split(".")
        node = raw
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = yaml.safe_load(text)
    return _fill(Recipe, raw, str(path))


def _fill(cls: type[T], raw: Any, where: str) -> T:
    if not isinstance(raw, dict):
        raise InputError(f"expected a mapping at {where}, got {raw!r}")
    hints = typing.get_type_hints(cls)
    for key in raw:
        if key not in hints:
            raise UnknownNameError.among(f"key in {where}", str(key), hints)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    for entry in fields:
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and entry.name not in raw:
            raise InputError(f"expected the key {entry.name!r} in {where}, found none")
    return cls(**{key: _convert(hints[key], value, f"{where}: {key}") for key, value in raw.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _fill(hint, value, where)
    if origin is list and isinstance(value, list):
        return [_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is types.UnionType:
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None else _convert(inner, value, where)
    if origin is Literal and value in arguments:
        return value
    if hint is Any:
        return value
    if hint is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-4 as a string
        except ValueError:
            pass
    elif isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise InputError(f"expected {where} to be {getattr(hint, '__name__', hint)}, got {value!r}")
