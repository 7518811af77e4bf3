"""Training state on disk, written atomically and read without unpickling code."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ir_transfer.errors import EncodeError, WeightsError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors, numbers and strings atomically: a failed write leaves the previous file unchanged.

    Raises:
        EncodeError: The file could not be written; the previous file is unchanged.
    """
    temporary = path.with_suffix(".part")
    try:
        torch.save(state, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # a rename may reach the disk before the data does
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch turns a failed write into a RuntimeError
        temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        kept = "the previous checkpoint is unchanged" if path.exists() else "there is no previous checkpoint"
        raise EncodeError(
            f"expected to write the checkpoint {path}, got: {reason}; {kept}: free some space, then --resume"
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Read a state written by :func:`save`.

    Raises:
        WeightsError: The file is damaged, or contains objects other than tensors, numbers and strings.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many types here
        raise WeightsError(
            f"expected a training checkpoint at {path}, got: {error}: delete it to start over"
        ) from error
    if not isinstance(state, dict) or "step" not in state or "model" not in state:
        raise WeightsError(f"expected a training checkpoint at {path}, got another kind of file: choose another --out")
    return state


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the states (n,) of torch's random generators: of the CPU, and of the GPU if ``device`` is one."""
    state = {"rng": torch.get_rng_state()}
    if device.type == "cuda":
        state["rng_cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Restore the states that :func:`random_state` returned.

    A run that moves to a GPU, or whose checkpoint has no GPU state, restores that of the CPU only.
    """
    torch.set_rng_state(state["rng"])
    if device.type == "cuda" and "rng_cuda" in state:
        torch.cuda.set_rng_state(state["rng_cuda"], device)
