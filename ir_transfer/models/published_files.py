"""Published checkpoints of the papers: pickled state dicts, read without executing code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, MissingFileError, WeightsError
from ir_transfer.nn.imagenet import normalising_convolution

TORCHVISION = "torchvision"
_PICKLED = {".pth", ".pt"}


def are_requested(weights: str | Path | None, encoder_weights: str | Path | None) -> bool:
    """Return whether the arguments of :func:`ir_transfer.create_model` name published files."""
    return encoder_weights is not None or Path(str(weights)).suffix in _PICKLED


def required_encoder(weights: str | Path | None, encoder_weights: str | Path | None) -> str | Path:
    """Return the encoder's file or name.

    Raises:
        InputError: It is not given, or ``weights`` is neither a published decoder nor None.
    """
    if encoder_weights is None:
        raise InputError(f"expected encoder_weights beside {weights}: a published decoder requires its encoder")
    if weights is not None and Path(str(weights)).suffix not in _PICKLED:
        raise InputError(
            f"expected weights to be the published decoder's .pth beside encoder_weights, or None for a random one, "
            f"got {str(weights)!r}"
        )
    return encoder_weights


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read a pickled state dict with ``weights_only=True``: tensors of any shape, as float32.

    Raises:
        MissingFileError: No such file.
        WeightsError: Not a pickled dictionary of tensors.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"expected a published weights file at {path}, found none: check the path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged pickles raise errors of many types
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise WeightsError(f"expected {path} to be a pickled state dict of tensors only, got: {reason}") from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"expected {path} to hold a state dict of tensors, got {type(state).__name__}")
    if normalised := next((name for name in state if str(name).endswith("running_mean")), None):
        raise WeightsError(
            f"expected a network without batch normalisation in {path}, got {normalised}: take plain VGG-19"
        )
    return {str(name): value.float() for name, value in state.items()}


def fill(convs: Mapping[str, nn.Conv2d], state: Mapping[str, Tensor], path: str | Path, layouts: str) -> None:
    """Copy ``{key}.weight`` and ``{key}.bias`` into each convolution; further keys of the file are ignored.

    Args:
        convs: Convolutions by their key in the file.
        state: Tensors of the file, each of any shape.
        path: The file, for messages.
        layouts: Sentence that lists the known layouts.

    Raises:
        WeightsError: A key is missing or has another shape.
    """
    for key, conv in convs.items():
        for name, parameter in conv.named_parameters():
            found = state.get(f"{key}.{name}")
            if found is None or found.shape != parameter.shape:
                came = "none" if found is None else f"shape {tuple(found.shape)}"
                raise WeightsError(
                    f"expected {key}.{name} of shape {tuple(parameter.shape)} in {path}, got {came}: {layouts}"
                )
            parameter.data.copy_(found)


def is_torchvision(state: Mapping[str, Tensor]) -> bool:
    """Return whether a state dict, of tensors of any shape, is that of torchvision's VGG."""
    return "features.0.weight" in state


def encoder_state(encoder_weights: str | Path) -> dict[str, Tensor]:
    """Read tensors of any shape from an encoder's file, or torchvision's VGG-19 by name (downloaded on first use)."""
    if str(encoder_weights) != TORCHVISION:
        return read_state(encoder_weights)
    from torchvision.models import VGG19_Weights, vgg19

    state: dict[str, Tensor] = vgg19(weights=VGG19_Weights.IMAGENET1K_V1).state_dict()
    return state


def fill_from_torchvision(
    colour: nn.Conv2d, convs: Sequence[nn.Conv2d], state: Mapping[str, Tensor], path: str | Path, layouts: str
) -> None:
    """Fill an encoder from torchvision's VGG; its ImageNet mean and deviation become the 1x1 input convolution.

    Args:
        colour: The 1x1 input convolution.
        convs: The 3x3 convolutions in order.
        state: State dict of torchvision's VGG, tensors of any shape.
        path: The file, for messages.
        layouts: Sentence that lists the known layouts.

    Raises:
        WeightsError: Too few convolutions, or other shapes.
    """
    fill(in_order(convolution_keys(state, "features."), convs), state, path, layouts)
    weight, bias = normalising_convolution()
    with torch.no_grad():
        colour.weight.copy_(weight)
        if colour.bias is not None:
            colour.bias.copy_(bias)


def fill_encoder(encoder: nn.Module, encoder_weights: str | Path, layouts: str) -> None:
    """Fill a VGG-19 up to any layer from a Sequential's file or from torchvision, matching convolutions by order.

    Raises:
        MissingFileError: The file is missing.
        WeightsError: It is damaged or of another layout.
    """
    convs = [module for module in encoder.modules() if isinstance(module, nn.Conv2d)]
    state = encoder_state(encoder_weights)
    if is_torchvision(state):
        fill_from_torchvision(convs[0], convs[1:], state, encoder_weights, layouts)
    else:
        fill(in_order(convolution_keys(state), convs), state, encoder_weights, layouts)


def convolution_keys(state: Mapping[str, Tensor], prefix: str = "") -> list[str]:
    """Return the keys ``{prefix}{N}`` of a Sequential's convolutions (C, inputs, h, w), in order of N."""
    pattern = re.compile(rf"{re.escape(prefix)}(\d+)\.weight")
    numbers = sorted(int(m[1]) for key, value in state.items() if (m := pattern.fullmatch(key)) and value.dim() == 4)
    return [f"{prefix}{number}" for number in numbers]


def in_order(keys: Sequence[str], convs: Sequence[nn.Conv2d]) -> dict[str, nn.Conv2d]:
    """Pair convolutions with keys in order; one without a key gets a name that is in no file."""
    names = [*keys[: len(convs)], *(f"convolution {number}" for number in range(len(keys) + 1, len(convs) + 1))]
    return dict(zip(names, convs, strict=True))


def files_hash(files: Iterable[str | Path | None]) -> str:
    """Return a short hash of the files' bytes; torchvision's weights are hashed by name."""
    digest = hashlib.sha256()
    for file in files:
        named = file is None or str(file) == TORCHVISION
        digest.update(str(file).encode() if named else Path(str(file)).read_bytes())
    return digest.hexdigest()[:16]
