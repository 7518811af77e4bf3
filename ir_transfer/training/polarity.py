"""Training of the polarity classifier: cross-validation over scenes, the margin, and the weights that ship."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn.polarity import PolarityClassifier
from ir_transfer.nn.precision import bfloat16_is_fast
from ir_transfer.training.polarity_data import PolarityAugment, PolarityImages, PolaritySet, drawn, read_images
from ir_transfer.yaml_fields import fill, read_mapping

_WARM_UP = 50
_CLIP = 1.0
_REPORT_EVERY = 100

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PolarityRecipe:
    """What the classifier learns from, and how.

    Attributes:
        sets: White-hot sets to learn from.
        held_out: White-hot sets that are only scored.
        gate: Sets, learned or held out, over which the margin is chosen.
        folds: Of the cross-validation.
        steps: Of each training.
        batch_size: Images a step.
        lr: Peak learning rate of AdamW; a short warm-up, then a cosine to zero.
        weight_decay: Decoupled.
        ema: Decay of the average of the weights, which is what is kept.
        seed: Of everything that is random.
        largest_false: Share of the gate's white-hot images that the margin may call black-hot.
    """

    sets: list[PolaritySet]
    held_out: list[PolaritySet] = field(default_factory=list)
    gate: list[str] = field(default_factory=list)
    folds: int = 4
    steps: int = 900
    batch_size: int = 40
    lr: float = 2e-3
    weight_decay: float = 0.05
    ema: float = 0.995
    seed: int = 0
    largest_false: float = 0.01


@dataclass(frozen=True)
class Rates:
    """How a classifier with a margin does on white-hot images and their negatives.

    Attributes:
        images: How many.
        false: Share of the white-hot ones that are called black-hot.
        recognised: Share of the negatives that are called black-hot.
        right: Share of the scores of the right sign, without a margin.
    """

    images: int
    false: float
    recognised: float
    right: float

    @classmethod
    def of(cls, scores: Tensor, margin: float) -> Rates:
        """Return the rates for the scores (N,) of white-hot images; those of their negatives are ``-scores``."""
        shares = [float(hits.double().mean()) for hits in (scores < -margin, -scores < -margin, scores > 0)]
        return cls(len(scores), *shares)


def load_polarity_recipe(path: Path) -> PolarityRecipe:
    """Read a recipe.

    Raises:
        MissingFileError: No such file.
        UnknownNameError: An unknown key.
        InputError: A wrong type, fewer than two folds, or a gate over sets that the recipe does not have.
    """
    recipe = fill(PolarityRecipe, read_mapping(path, "polarity recipe", "see configs/polarity.yaml"), str(path))
    known = {one.name for one in (*recipe.sets, *recipe.held_out)}
    if unknown := set(recipe.gate) - known:
        raise InputError(f"{path}: expected the gate to name sets of the recipe, got {', '.join(sorted(unknown))}")
    if recipe.folds < 2:
        raise InputError(f"{path}: expected folds of 2 or more, got {recipe.folds}")
    return recipe


def train_classifier(
    recipe: PolarityRecipe, sets: Sequence[PolarityImages], kept: Sequence[Tensor]
) -> PolarityClassifier:
    """Train one classifier.

    Args:
        recipe: How.
        sets: The images.
        kept: Indices of the images of each set that may be learned from.

    Returns:
        The average of the weights, in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    random = torch.Generator().manual_seed(recipe.seed)
    model, augment = PolarityClassifier().train(), PolarityAugment(random)
    average = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    seen, fast = 0.0, bfloat16_is_fast(torch.device("cpu"))
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * _rate(step, recipe.steps)
        images = augment(drawn(sets, kept, recipe.batch_size, random))
        # The score is odd, so that the loss of the negatives is the same number.
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            score = model.score(images)
        loss = F.softplus(-score.float()).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimiser.step()
        _follow(average, model, min(recipe.ema, (1 + step) / (10 + step)))
        seen += loss.item() / _REPORT_EVERY
        if (step + 1) % _REPORT_EVERY == 0:
            logger.info("step %d: loss %.4f", step + 1, seen)
            seen = 0.0
    return average


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


@torch.no_grad()
def _follow(average: PolarityClassifier, model: PolarityClassifier, decay: float) -> None:
    for kept, now in zip(average.parameters(), model.parameters(), strict=True):
        kept.lerp_(now, 1 - decay)


@torch.no_grad()
def scores_of(model: PolarityClassifier, images: PolarityImages, chosen: Tensor | None = None) -> Tensor:
    """Return the scores (n,) of images of a set, all by default."""
    indices = torch.arange(len(images.files)) if chosen is None else chosen
    return torch.cat([model(images.unit(part)) for part in indices.split(32)]) if len(indices) else torch.zeros(0)


def cross_validate(recipe: PolarityRecipe, sets: Sequence[PolarityImages], fold: int) -> list[Tensor]:
    """Train without one fold and return its scores, set by set.

    Args:
        recipe: How.
        sets: The images.
        fold: Whose scenes are held back.
    """
    assigned = [one.folds(recipe.folds) for one in sets]
    model = train_classifier(recipe, sets, [torch.nonzero(folds != fold).view(-1) for folds in assigned])
    held = (torch.nonzero(folds == fold).view(-1) for folds in assigned)
    return [scores_of(model, one, indices) for one, indices in zip(sets, held, strict=True)]


def choose_margin(scores: Tensor, largest_false: float) -> float:
    """Return the smallest margin beyond which at most that share of white-hot scores (N,) is called black-hot.

    Raises:
        InputError: No score.
    """
    if not len(scores):
        raise InputError("expected scores of white-hot images to choose a margin from, got none")
    allowed = int(largest_false * len(scores))
    # Halfway to the next score, so that neither image lies on the edge.
    ordered = scores.double().sort().values
    last_allowed = ordered[allowed - 1] if allowed else ordered[0] - 0.2
    return max(0.0, -float((last_allowed + ordered[allowed]) / 2))


def read_sets(root: Path, described: Sequence[PolaritySet]) -> list[PolarityImages]:
    """Read all images of a recipe's sets; see :func:`read_images` for the errors."""
    return [read_images(root, one) for one in described]


def rates_by_set(scores: Mapping[str, Tensor], margin: float) -> dict[str, Rates]:
    """Return the rates of each set."""
    return {name: Rates.of(found, margin) for name, found in scores.items()}
