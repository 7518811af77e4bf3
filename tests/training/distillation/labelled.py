"""A small set of labelled RGB images on disk, and the recipe of a distillation of a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.training.distillation import distill
from ir_transfer.training.distillation.recipe import DistillationRecipe, LabelledSource
from tests.training.views_of import painted


def write_labelled(root: Path, names: list[str]) -> Path:
    """Write painted RGB images and their labels below ``root`` and return it."""
    for side in ("photos", "labels"):
        (root / side).mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        photograph, _, labels = painted(seed=seed)
        Image.fromarray(photograph).save(root / "photos" / f"{name}.png")
        Image.fromarray(labels, "RGBA").save(root / "labels" / f"{name}.png")
    return root


def recipe_of(**changes: Any) -> DistillationRecipe:
    """Return a recipe without feature targets, in float32."""
    values: dict[str, Any] = {
        "sources": [LabelledSource("photos", "labels")], "features": 0.0, "crop": 64, "steps": 6, "batch_size": 3,
        "precision": "float32", "held_back": 0.0, "held_back_sequences": ["held"], "lr": 5e-3,
    }  # fmt: skip
    return DistillationRecipe(**{**values, **changes})


def use_small_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distil encoders of a few thousand parameters."""

    def small(norm: bool) -> ContentEncoder:
        return ContentEncoder((8, 8, 12, 16, 16), (0, 1, 1, 1, 1), 16, norm)

    monkeypatch.setattr(distill, "ContentEncoder", small)
