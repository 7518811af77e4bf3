"""Training state on disk: written under a temporary name and renamed, read without unpickling code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ir_transfer.errors import WeightsError


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors, numbers and strings; the file appears whole or not at all."""
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.replace(path)


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
    return state
