"""Tiny runs: a recipe with a few thousand parameters and its trainer."""

from pathlib import Path
from typing import Any

import torch
import yaml

from ir_transfer.training.loop import Trainer
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.recipe_files import load_recipe
from ir_transfer.training.run_folder import RunFolder
from tests.models.small_thermal import SMALL_THERMAL
from tests.training.pair_set import render_pairs

# A model that sees crops in the tone of their exemplar, and has the width of a few channels.
PAPER = "{name: adain, hyper_parameters: {size: vgg19, widths: [4, 8, 8], depths: [1, 1, 1]}}"
RAW: dict[str, Any] = {
    "model": {"name": "adain", "hyper_parameters": {name: [*value] if isinstance(value, tuple) else value
                                                    for name, value in SMALL_THERMAL.items()}},
    "data": {
        "band": "lwir",
        "sources": [{"path": "pairs"}],
        "validation": "pairs",
        "validation_every": 4,
        "validation_exemplar": "pairs/ir/scene_1.png",
        "view_size": [64, 96],
        "views": 2,
    },
    "losses": {"thermal_map": 1.0, "gradient": 0.5},
    "training": {
        "steps": 6, "batch_size": 2, "warmup_steps": 2, "decay_steps": 3, "validate_every": 3, "precision": "float32",
    },
}  # fmt: skip


def make_root(path: Path) -> Path:
    """Write pairs and ``recipe.yaml`` below a folder and return it."""
    render_pairs(path / "pairs", 8)
    (path / "recipe.yaml").write_text(yaml.safe_dump(RAW))
    return path


def recipe_of(root: Path, **overrides: str) -> Recipe:
    """Load the recipe of a root; ``training__lr="1"`` overrides ``training.lr``."""
    if overrides.get("model") == PAPER:
        overrides = {"data__crop": "64", "data__view_size": "[256, 320]", "data__views": "0", **overrides}
    return load_recipe(root / "recipe.yaml", {k.replace("__", "."): v for k, v in overrides.items()})


def trainer_of(root: Path, out: str, recipe: Recipe, vgg: str | None = None) -> Trainer:
    """Make a silent trainer whose run folder is ``out`` below the root."""
    return Trainer(recipe, root, RunFolder(root / out, lambda _: None), vgg)


def weights_of(trainer: Trainer) -> torch.Tensor:
    """Return all weights of the model as one vector."""
    return torch.cat([p.detach().flatten() for p in trainer.learner.model.parameters()])
