"""Registry of models: finds every subpackage that declares ``INFOS`` and imports its model on demand."""

from __future__ import annotations

import importlib
import pkgutil
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Any

import ir_transfer.models as package
from ir_transfer.errors import UnknownNameError
from ir_transfer.models.info import ModelInfo

if TYPE_CHECKING:
    from pathlib import Path

    from ir_transfer.models.base import TranslationModel


@cache
def _infos() -> dict[str, ModelInfo]:
    found: dict[str, ModelInfo] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.ispkg:
            subpackage = importlib.import_module(f"{package.__name__}.{module.name}")
            declared: tuple[ModelInfo, ...] = subpackage.INFOS
            found.update({info.name: info for info in declared})
    return found


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the registered models, sorted.

    Args:
        pattern: Shell-style filter, for example ``"ada*"``.
    """
    return sorted(name for name in _infos() if fnmatch(name, pattern))


def model_info(name: str) -> ModelInfo:
    """Return the declaration of a model, without importing torch.

    Raises:
        UnknownNameError: No model of that name; the message has the closest names.
    """
    try:
        return _infos()[name]
    except KeyError:
        raise UnknownNameError.among("model", name, _infos()) from None


def create_model(
    name: str,
    weights: str | Path | None = "default",
    *,
    encoder_weights: str | Path | None = None,
    **hyper_parameters: Any,
) -> TranslationModel:
    """Create a model for translation (evaluation mode, on the CPU, float32).

    Args:
        name: One of :func:`list_models`.
        weights: ``"default"`` for the bundled ones, the name of bundled ones (``"adain-nir"``), a
            ``.safetensors`` file written by this package, a published ``.pth`` file, or None for random ones.
        encoder_weights: File of a separately published encoder, or ``"torchvision"`` for its VGG-19.
        **hyper_parameters: Constructor arguments of the model; they must not contradict those stored in a weight
            file.

    Raises:
        UnknownNameError: Unknown model or unknown bundled weights.
        WeightsError: The file is of another model or layout.

    Example:
        >>> from ir_transfer import create_model
        >>> model = create_model("gray")
        >>> model.info.name
        'gray'
    """
    info = model_info(name)
    module, _, attribute = info.target.partition(":")
    cls: type[TranslationModel] = getattr(importlib.import_module(module), attribute)
    model = cls.build(info, weights=weights, encoder_weights=encoder_weights, **hyper_parameters)
    return model.eval()
