"""Construction of models: from a weight file, from published files, or of a requested size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models import published_files, weight_files
from ir_transfer.models.info import ModelInfo

if TYPE_CHECKING:
    from ir_transfer.models.base import TranslationModel

Model = TypeVar("Model", bound="TranslationModel")
LoadPublished = Callable[[Any, "str | Path | None", "str | Path"], str]
"""Fills a model from the files of its weights (or None) and its encoder, and returns the files' hash."""


def build_sized(
    sizes: Mapping[str, type[TranslationModel]],
    info: ModelInfo,
    weights: str | Path | None,
    size: str | None,
    hyper_parameters: Mapping[str, Any],
) -> TranslationModel:
    """Make a model of the requested size with random weights, or of the size stored in a file.

    Args:
        sizes: Classes by size; ``compact`` is the default.
        info: Declaration of the model.
        weights: Name or file; None for random weights.
        size: Requested size; None takes the file's, or ``compact``.
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
    return build_from_file(sizes[stored.get("size", "compact")], info, path, hyper_parameters)


def build_published_or_sized(
    sizes: Mapping[str, type[TranslationModel]],
    info: ModelInfo,
    weights: str | Path | None,
    encoder_weights: str | Path | None,
    hyper_parameters: Mapping[str, Any],
    load_published: LoadPublished,
) -> TranslationModel:
    """Make the ``vgg19`` size from published files if any are given; otherwise see :func:`build_sized`.

    Args:
        sizes: Classes by size, ``compact`` and ``vgg19``.
        info: Declaration of the model.
        weights: Name or file of weights, a published file, or None.
        encoder_weights: File of a published encoder, ``"torchvision"``, or None.
        hyper_parameters: Constructor arguments; ``size`` among them or not.
        load_published: Fills a model of the size ``vgg19``.

    Raises:
        InputError: No such size, published weights without their encoder, or with another size than ``vgg19``.
        MissingFileError: A file is missing.
        WeightsError: A file is damaged, or of another model, size or layout.
    """
    arguments = dict(hyper_parameters)
    size = arguments.pop("size", None)
    if not published_files.are_requested(weights, encoder_weights):
        return build_sized(sizes, info, weights, size, arguments)
    encoder = published_files.required_encoder(weights, encoder_weights)
    if size not in {None, "vgg19"}:
        raise InputError(f"expected size='vgg19' with published weights, got {size!r}: leave it out")
    model = sizes["vgg19"](info, **arguments)
    model.weights_hash = load_published(model, weights, encoder)
    return model


def build_from_file(cls: type[Model], info: ModelInfo, path: Path, requested: Mapping[str, Any]) -> Model:
    """Make a model with the hyper-parameters, weights and metadata of a file.

    Args:
        cls: Class of the model.
        info: Declaration of the model.
        path: The weight file.
        requested: Constructor arguments, which may set run options but not contradict stored hyper-parameters.

    Raises:
        MissingFileError: No such file.
        WeightsError: It is damaged, of another model or version, or contradicts the request.
    """
    tensors, metadata = weight_files.read(path, kind="weights", model=info.name)
    stored = weight_files.hyper_parameters(metadata, path)
    options = {name: str(value) for name, value in requested.items() if name in cls.run_options}
    fixed = {name: value for name, value in requested.items() if name not in options}
    weight_files.refuse_contradiction(path, stored, fixed)
    try:
        model = cls(info, **{**stored, **fixed})
    except (TypeError, ValueError) as error:
        raise WeightsError(
            f"expected hyper-parameters of {cls.__name__} in {path}, got: {error}; weights of another version of "
            "ir-transfer do not load: train them anew"
        ) from error
    model.configure(options)
    # Files of earlier versions contain the polarity classifier, which now has a file of its own.
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith("polarity.")}
    weight_files.load_into(model, own, path)
    model.weights_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    model.metadata = metadata
    return model
