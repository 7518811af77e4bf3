"""Weight and style files: ``.safetensors`` with metadata, found by name or path."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ir_transfer.errors import MissingFileError, UnknownNameError, WeightsError
from ir_transfer.json_files import parse_json
from ir_transfer.models.info import ModelInfo
from ir_transfer.resources import resource

ENCODER = "content-encoder"
"""Name of the content encoder's weights, and model name in the metadata of their file."""

_SHARED = "shared_encoder"
_ENCODER_PREFIX = "encoder."
_WORTH_PACKING = 4096
_SCALE = "@scale"


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors of any shape with string metadata atomically.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, temporary, dict(metadata))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except SafetensorError as error:  # also raised for a full disk
        Path(temporary).unlink(missing_ok=True)
        raise OSError(errno.EIO, str(error), str(path)) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(path: Path, *, kind: str, model: str | None = None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors (half precision and :func:`packed` ones as float32) and metadata of a file that :func:`write` wrote.

    Tensors left out by :func:`without_shared_encoder` are read from the encoder's file.

    Args:
        path: The file.
        kind: Required kind of the file, ``"weights"`` or ``"style"``.
        model: Required model name in the metadata; None accepts any.

    Raises:
        MissingFileError: No such file.
        WeightsError: The file is damaged, of another kind or model, or for another content encoder.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a {kind} file at {path}, found none: check the path")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"expected {path} to be a .safetensors file, got: {error}: fetch or build it again"
        ) from error
    if metadata.get("kind") != kind:
        raise WeightsError(
            f"expected {path} to hold {kind} of ir-transfer, got {metadata.get('kind', 'a file without a kind')!r}"
        )
    if model is not None and metadata.get("model") != model:
        raise WeightsError(
            f"expected weights of model {model!r} in {path}, got those of {metadata.get('model')!r}: "
            f"pass --model {metadata.get('model')}, or another file"
        )
    return {**_unpacked(tensors), **_shared_encoder(metadata, path)}, metadata


def without_shared_encoder(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors of any shape and metadata for a file, without the content encoder if it equals the bundled one."""
    shipped, _ = read(resource(f"weights/{ENCODER}.safetensors"), kind="weights", model=ENCODER)
    own = {name.removeprefix(_ENCODER_PREFIX): t for name, t in tensors.items() if name.startswith(_ENCODER_PREFIX)}
    if own.keys() != shipped.keys() or not all(torch.equal(own[name].cpu(), shipped[name]) for name in shipped):
        return dict(tensors), dict(metadata)
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(_ENCODER_PREFIX)}
    return kept, {**metadata, _SHARED: tensors_hash(shipped)}


def _shared_encoder(metadata: dict[str, str], path: Path) -> dict[str, Tensor]:
    # Removed, since the loaded model contains the encoder.
    if (expected := metadata.pop(_SHARED, None)) is None:
        return {}
    shipped, _ = read(resource(f"weights/{ENCODER}.safetensors"), kind="weights", model=ENCODER)
    if (found := tensors_hash(shipped)) != expected:
        raise WeightsError(
            f"expected the content encoder {expected} for {path}, got {found}: "
            "use the weights of this version of ir-transfer"
        )
    return {f"{_ENCODER_PREFIX}{name}": tensor for name, tensor in shipped.items()}


def packed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return quantised tensors for a small file, which :func:`read` restores approximately.

    Weights of 4,096 or more values become 8-bit integers with a scale per output channel, with an error of at most
    1/254 of the largest value of the channel; other floats become half precision.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.dim() > 1 and tensor.is_floating_point() and tensor.numel() >= _WORTH_PACKING:
            largest = tensor.detach().abs().flatten(1).amax(dim=1).view(-1, *[1] * (tensor.dim() - 1))
            scale = (largest.float() / 127).clamp(min=torch.finfo(torch.float32).tiny)
            found[name] = (tensor.detach() / scale).round().to(torch.int8)
            found[f"{name}{_SCALE}"] = scale
        else:
            found[name] = tensor.half() if tensor.is_floating_point() else tensor
    return found


def rounded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors, of any shape, with the rounding of :func:`packed` ones."""
    return _unpacked(packed(tensors))


def _unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    halves = {torch.float16, torch.bfloat16}
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith(_SCALE):
            continue
        scale = tensors.get(f"{name}{_SCALE}")
        whole = tensor if scale is None else tensor.float() * scale
        found[name] = whole.float() if whole.dtype in halves else whole
    return found


def locate(info: ModelInfo, weights: str | Path) -> Path:
    """Return the path of weights given by file, by name (``"adain-nir"``), by band (``"nir"``) or ``"default"``.

    Raises:
        UnknownNameError: No bundled weights of that name.
        MissingFileError: A path that does not exist.
        WeightsError: The model has no bundled weights.
    """
    text = str(weights)
    if "/" in text or os.sep in text or Path(text).suffix:
        if not Path(text).is_file():
            raise MissingFileError(f"expected a weights file at {text}, found none: check the path")
        return Path(text)
    if not info.weights:
        raise WeightsError(f"model {info.name!r} has no bundled weights: pass a file with --weights, or train it")
    aliases = {"default": info.weights[0], **{name.rpartition("-")[2]: name for name in info.weights}}
    name = aliases.get(text, text)
    if name not in info.weights:
        raise UnknownNameError.among(f"weights of model {info.name}", text, [*info.weights, *aliases])
    return resource(f"weights/{name}.safetensors")


def hyper_parameters(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return the hyper-parameters in the metadata of a weight file.

    Raises:
        WeightsError: The metadata is damaged.
    """
    try:
        return dict(parse_json(metadata.get("hyper_parameters", "{}"), str(path)))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"expected hyper_parameters as JSON in {path}, got: {error}: fetch it again") from error


def refuse_contradiction(path: Path, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise :class:`WeightsError` if a requested hyper-parameter differs from the stored one."""
    for name, value in asked.items():
        normal = list(value) if isinstance(value, tuple) else value
        if name in stored and stored[name] != normal:
            raise WeightsError(f"expected {name}={stored[name]!r} as stored in {path}, got {value!r}: leave it out")


def load_into(model: nn.Module, tensors: Mapping[str, Tensor], path: Path, *, assign: bool = False) -> None:
    """Load tensors of any shape into a module; all keys and shapes must match.

    With ``assign``, the tensors become the parameters, for a module on the meta device.

    Raises:
        WeightsError: Keys or shapes differ.
    """
    try:
        model.load_state_dict(dict(tensors), strict=True, assign=assign)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:300]
        raise WeightsError(f"expected the layout of {type(model).__name__} in {path}, got: {first}") from error


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return a short hash of names, shapes and values of tensors of any shape."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}{tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
