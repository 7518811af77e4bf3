"""Reading, checking, comparing and writing of training recipes."""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.training.recipe import VIEW_SHARES, DataSection, Recipe, Source, TrainingSection
from ir_transfer.yaml_fields import fill, read_mapping

_SHARE, _POSITIVE, _ONE_OR_MORE, _ZERO_OR_MORE = "a share from 0 to 1", "more than 0", "1 or more", "0 or more"


def load_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe; an override is a dotted key with a YAML value, as in ``{"training.lr": "1e-4"}``.

    Raises:
        MissingFileError: No such file.
        InputError: Not a YAML mapping, a value of the wrong type, or one out of range.
        UnknownNameError: An unknown key; the message has the closest names.
    """
    raw = read_mapping(path, "recipe", "see configs/train")
    for dotted, text in (overrides or {}).items():
        *parents, leaf = dotted.split(".")
        node = raw
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise InputError(f"expected {parent!r} in --set {dotted}=... to have keys, got {node!r}: see {path}")
        try:
            node[leaf] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(f"expected a YAML value in --set {dotted}={text}, got: {error}") from error
    recipe = fill(Recipe, raw, str(path))
    _check(recipe, str(path))
    return recipe


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with all defaults, readable by :func:`load_recipe`."""
    write_whole(path, yaml.safe_dump(asdict(recipe), sort_keys=False, allow_unicode=True).encode())


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys whose values differ in two nested mappings, with both values."""
    old, new = flatten(before), flatten(after)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in keys]


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping with dotted keys; a list stays a value.

    Example:
        >>> flatten({"training": {"lr": 0.1}})
        {'training.lr': 0.1}
    """
    if isinstance(value, Mapping) and value:
        return {k: v for key, inner in value.items() for k, v in flatten(inner, f"{prefix}.{key}".lstrip(".")).items()}
    return {prefix: value}


def _check(recipe: Recipe, where: str) -> None:
    for key, value in flatten(asdict(recipe)).items():
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"expected {key} in {where} to be finite, got {value}: correct it")
    for key, (value, good, wanted) in _rules(recipe).items():
        if not good:
            raise InputError(f"expected {key} in {where} to be {wanted}, got {value}: correct it, or --set {key}=...")
    _check_validations(recipe.data, where)
    for index, source in enumerate(recipe.data.sources):
        _check_source(source, f"data.sources[{index}]", where)


def _rules(recipe: Recipe) -> dict[str, tuple[Any, bool, str]]:
    """Return value, whether it is valid, and the valid range, by dotted key."""
    data, training = recipe.data, recipe.training
    return {
        "data.sources": (len(data.sources), bool(data.sources), "one or more"),
        "data.crop": (data.crop, data.crop >= 32, "32 or more"),
        "data.view_size": (data.view_size, _is_view_size(data.view_size), "height and width, multiples of 32"),
        "data.views": (data.views, data.views >= 0, _ZERO_OR_MORE),
        **{
            f"data.{name}": (share := getattr(data, name), 0 <= share <= 1, _SHARE)
            for name in ("degraded", "darkened", "glare", "shuffled", "own_exemplar", "flips")
        },
        "data.starts": (data.starts, _are_starts(data), f"steps of {', '.join(VIEW_SHARES)}, with data.views of 0"),
        "data.validation_every": (data.validation_every, data.validation_every >= 1, _ONE_OR_MORE),
        "training.gates_from": (training.gates_from, training.gates_from is None or training.gates_from >= 0, ">= 0"),
        "data.workers": (data.workers, data.workers >= 1, _ONE_OR_MORE),
        "training.steps": (training.steps, training.steps >= 1, _ONE_OR_MORE),
        "training.batch_size": (training.batch_size, training.batch_size >= 1, _ONE_OR_MORE),
        "training.lr": (training.lr, training.lr > 0, _POSITIVE),
        "training.restarts": (
            training.restarts,
            not training.restarts or (training.schedule == "cosine" and _are_restarts(training)),
            "ascending steps after warmup_steps and before steps, with schedule: cosine",
        ),
        "training.restart_lr": (training.restart_lr, training.restart_lr > 0, _POSITIVE),
        "training.critic_lr": (training.critic_lr, training.critic_lr > 0, _POSITIVE),
        "training.clip": (training.clip, training.clip > 0, _POSITIVE),
        "training.ema": (training.ema, 0 <= training.ema < 1, "from 0 to below 1"),
        "training.reconstruction": (training.reconstruction, 0 <= training.reconstruction <= 1, _SHARE),
        "training.validate_every": (training.validate_every, training.validate_every >= 1, _ONE_OR_MORE),
        "training.patience": (training.patience, training.patience is None or training.patience >= 1, _ONE_OR_MORE),
    }


def _check_source(source: Source, key: str, where: str) -> None:
    if source.share <= 0:
        raise InputError(f"expected {key}.share in {where} to be more than 0, got {source.share}")
    if source.infrared is not None and source.pairing == "paired":
        raise InputError(
            f"expected no 'infrared' in {key} of {where}, which is paired: its infrared images are {source.path}/ir; "
            "write 'pairing: unpaired' if it has no registered ground truth"
        )
    if source.infrared_card is not None and source.infrared is None:
        raise InputError(
            f"expected 'infrared' beside 'infrared_card' in {key} of {where}, found none: set the folder that the "
            "card describes, or use 'card'"
        )


def _are_restarts(training: TrainingSection) -> bool:
    steps = [training.warmup_steps, *training.restarts, training.steps]
    return all(before < after for before, after in itertools.pairwise(steps))


def _are_starts(data: DataSection) -> bool:
    valid = set(data.starts) <= set(VIEW_SHARES) and all(step >= 0 for step in data.starts.values())
    return valid and not (data.starts and data.views)


def _is_view_size(size: list[int]) -> bool:
    return len(size) == 2 and all(side >= 32 and side % 32 == 0 for side in size)


def _check_validations(data: DataSection, where: str) -> None:
    if bool(data.validation) == bool(data.validations):
        both = "both" if data.validation else "neither"
        raise InputError(f"expected data.validation or data.validations in {where}, got {both}: keep one of them")
    names = [chosen.name for chosen in data.validations]
    if bad := [name for name in names if not re.fullmatch(r"[\w.-]+", name) or names.count(name) > 1]:
        raise InputError(
            f"expected names of data.validations in {where} that differ and have letters, digits, '_', '.' and '-' "
            f"only, got {bad[0]!r}: rename it"
        )
    if low := [chosen for chosen in data.validations if chosen.every < 1]:
        raise InputError(f"expected 'every' of the validation {low[0].name} in {where} to be 1 or more: correct it")
