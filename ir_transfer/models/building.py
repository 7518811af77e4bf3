"""Systems of several sizes: the size that is asked for, or that a weight file holds, decides the class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.errors import InputError
from ir_transfer.models import weight_files
from ir_transfer.models.info import ModelInfo

if TYPE_CHECKING:
    from ir_transfer.models.base import TranslationModel


def build_sized(
    sizes: Mapping[str, type[TranslationModel]],
    info: ModelInfo,
    weights: str | Path | None,
    size: str | None,
    hyper_parameters: Mapping[str, Any],
) -> TranslationModel:
    """Make a model of the size that is asked for, with random weights, or of the one that a file holds.

    Args:
        sizes: Classes by size; ``compact`` is the default.
        info: What the model declares.
        weights: Name or file; None for random ones.
        size: Asked for; None takes the file's, or ``compact``.
        hyper_parameters: Constructor arguments besides the size.

    Raises:
        InputError: No such size.
        WeightsError: The file is of another model or size.
    """
    if weights is None:
        if (size or "compact") not in sizes:
            raise InputError(f"expected size to be one of {', '.join(sizes)}, got {size!r}")
        return sizes[size or "compact"](info, **hyper_parameters)
    path = weight_files.locate(info, weights)
    _, metadata = weight_files.read(path, kind="weights", model=info.name)
    stored = weight_files.hyper_parameters(metadata, path)
    weight_files.refuse_contradiction(path, {"size": "compact", **stored}, {"size": size} if size else {})
    return sizes[stored.get("size", "compact")]._from_file(info, path, hyper_parameters)
