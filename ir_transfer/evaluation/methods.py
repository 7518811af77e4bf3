"""The methods of a comparison: baselines, and models with their weights and options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.registry import create_model

BASELINES = ("constant", "gray", "inverted", "histogram", "fda")
"""Methods without a network, included in every comparison, since even a blank image has the best PSNR and SSIM."""


@dataclass(frozen=True)
class Method:
    """A row of a comparison."""

    label: str
    model: TranslationModel


def with_baselines(methods: Sequence[Method]) -> list[Method]:
    """Return the missing :data:`BASELINES`, then the methods."""
    present = {method.label for method in methods}
    return [Method(name, create_model(name)) for name in BASELINES if name not in present] + list(methods)


def parse_weights(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return weights by model from ``MODEL=FILE`` texts; a model may have several.

    Raises:
        InputError: A text without ``=``.
    """
    weights: dict[str, list[str]] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        if not sign or not name or not file:
            raise InputError(f"expected MODEL=FILE_OR_NAME, for example adain=my.safetensors, got {text!r}")
        weights.setdefault(name, []).append(file)
    return weights


def refuse_unexpected_weights(models: Sequence[str], weights: Mapping[str, Sequence[str]]) -> None:
    """Refuse weights of a model that is not compared.

    Raises:
        InputError: Names the models whose weights are unexpected.
    """
    if unexpected := weights.keys() - {name.partition(":")[0] for name in models}:
        raise InputError(
            f"expected --weights of compared models {', '.join(models)}, got {', '.join(sorted(unexpected))}"
        )


def methods_of(name: str, weights: Mapping[str, Sequence[str]]) -> list[Method]:
    """Return a method for each weights file of a model, or one with the bundled weights if no file is given.

    Args:
        name: Name of the model, then its options, each after a colon: ``gatys:steps=50``.
        weights: Weights by model.

    Raises:
        UnknownNameError: No such model or option.
        InputError: An option without a value, or with an invalid one.
    """
    registered, *options = name.split(":")
    files = weights.get(registered) or ("default",)
    if bare := [option for option in options if "=" not in option]:
        raise InputError(f"expected options as in {registered}:KEY=VALUE, got {bare[0]!r} in {name!r}")
    models = [create_model(registered, weights=file) for file in files]
    for model in models:
        model.configure(dict(option.split("=", 1) for option in options))
    if len(files) == 1:
        return [Method(name, models[0])]
    return [Method(f"{name} {Path(file).stem}", model) for file, model in zip(files, models, strict=True)]
