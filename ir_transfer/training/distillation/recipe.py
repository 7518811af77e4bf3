"""The recipe of a distillation: a YAML file that mirrors these dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.errors import InputError
from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.yaml_fields import fill, read_mapping


@dataclass(frozen=True)
class LabelledSource:
    """RGB images with soft label files.

    Attributes:
        photographs: Folder, relative to the data root.
        labels: Folder of the label files, relative to the data root.
        held_back: Whether all images are held out; otherwise the recipe's share and sequences apply.
    """

    photographs: str
    labels: str
    held_back: bool = False


@dataclass(frozen=True)
class DistillationRecipe:
    """Recipe of a distillation.

    Attributes:
        sources: RGB images for training and measurement.
        night: CSV file below the data root with columns ``file`` and ``kind``, whose kind ``night`` marks RGB images
            taken at night (``file`` is relative to the folder of the CSV file).
        held_back: Share of the RGB images that are held out.
        held_back_sequences: Prefixes of file names that are held out.
        features: Weight of the feature targets of an ImageNet network; 0 disables them.
        class_weights: Weight of a pixel by its most likely class, in the order of the classes.
        crop: Side of the crops in pixels, a multiple of 32.
        darkened: Share of crops that are darkened; labels are unchanged.
        glare: Share of crops with lamps and streaks; see :func:`~ir_transfer.training.degrade.add_glare`.
        steps: Number of training steps.
        batch_size: Crops per step.
        lr: Peak learning rate; 3% of the steps warm up, then a cosine falls to 1%.
        weight_decay: Decoupled weight decay.
        ema: Decay of the moving average of the weights, which is the result.
        precision: Precision of the computation.
        seed: Seed of all random numbers.
    """

    sources: list[LabelledSource]
    night: str | None = None
    held_back: float = 0.08
    held_back_sequences: list[str] = field(default_factory=list)
    features: float = 1.0
    class_weights: list[float] = field(default_factory=lambda: [1.0] * 11)
    crop: int = 256
    darkened: float = 0.35
    glare: float = 0.0
    steps: int = 5000
    batch_size: int = 12
    lr: float = 2e-3
    weight_decay: float = 0.02
    ema: float = 0.998
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    seed: int = 0


def load_distillation(path: Path) -> DistillationRecipe:
    """Read a recipe.

    Raises:
        MissingFileError: No such file.
        InputError: Not a YAML mapping, a value of the wrong type, or one out of range.
        UnknownNameError: An unknown key.
    """
    recipe = fill(
        DistillationRecipe, read_mapping(path, "distillation recipe", "see configs/train/encoder.yaml"), str(path)
    )
    rules = {
        "sources": (len(recipe.sources), bool(recipe.sources), "one or more"),
        "class_weights": (len(recipe.class_weights), len(recipe.class_weights) == len(CLASSES), f"{len(CLASSES)}"),
        "crop": (recipe.crop, recipe.crop >= 32 and recipe.crop % 32 == 0, "a multiple of 32"),
        "held_back": (recipe.held_back, 0 <= recipe.held_back < 1, "from 0 to below 1"),
        "steps": (recipe.steps, recipe.steps >= 1, "1 or more"),
        "batch_size": (recipe.batch_size, recipe.batch_size >= 2, "2 or more, as batches are normalised"),
        "ema": (recipe.ema, 0 <= recipe.ema < 1, "from 0 to below 1"),
    }
    for key, (value, good, wanted) in rules.items():
        if not good:
            raise InputError(f"expected {key} in {path} to be {wanted}, got {value}: correct it")
    return recipe
