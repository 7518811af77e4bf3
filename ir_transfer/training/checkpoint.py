"""Training state on disk: written under a temporary name and renamed, read without unpickling code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ir_transfer.errors import EncodeError, WeightsError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors, numbers and strings; the file appears whole or not at all.

    A full disk, a kill or a power cut in the middle leaves the file that was there before.

    Raises:
        EncodeError: It could not be written; the file that was there before is unharmed.
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
        kept = "the one before it is unharmed" if path.exists() else "there is none before it"
        raise EncodeError(
            f"expected to write the checkpoint {path}, got: {reason}; {kept}: free some space, then --resume"
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Read a state written by :func:`save`.

    Raises:
        WeightsError: Damaged, or holds more than tensors, numbers and strings.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here; all mean the same to the user
        raise WeightsError(
            f"expected a training checkpoint at {path}, got: {error}: delete it to start anew"
        ) from error
    if not isinstance(state, dict) or "step" not in state or "model" not in state:
        raise WeightsError(f"expected a training checkpoint at {path}, got another kind of file: choose another --out")
    return state


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return torch's random state by name: the CPU's, and a GPU's where it computes."""
    state = {"rng": torch.get_rng_state()}
    if device.type == "cuda":
        state["rng_cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Go on drawing where :func:`random_state` was taken.

    A run that moves to a GPU, or whose checkpoint is older than that state, restores the CPU's alone.
    """
    torch.set_rng_state(state["rng"])
    if device.type == "cuda" and "rng_cuda" in state:
        torch.cuda.set_rng_state(state["rng_cuda"], device)
