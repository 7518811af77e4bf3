"""Training of the polarity classifier: cross-validation over scenes, the margin, the bundled weights and their card."""

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
from ir_transfer.training.polarity_data import PolarityImages, PolaritySet, draw_batch
from ir_transfer.yaml_fields import fill, read_mapping

_WANTED = 0.95


def write_card(recipe: PolarityRecipe, rates: Mapping[str, Rates], margin: float, size: int, commit: str) -> str:
    """Return the card as Markdown.

    Args:
        recipe: How the classifier was trained.
        rates: Rates by set, and over the recipe's gate as ``"gate"``.
        margin: Margin in the weights' metadata.
        size: Size of the weight file in bytes.
        commit: Commit of the training code.
    """
    gate = rates["gate"]
    lines = [_row(name if name != "gate" else "all of the gate", one) for name, one in rates.items()]
    learned = "\n".join(f"- {one.name}: {', '.join(one.folders)}" for one in recipe.sets)
    held_out = ", ".join(one.name for one in recipe.held_out)
    reached = "reached" if gate.false <= recipe.largest_false and gate.recognised >= _WANTED else "not reached"
    return f"""# polarity

Weights of the polarity classifier, {size / 1000:.0f} kB: whether an infrared exemplar is white-hot or black-hot. Its
inputs are third moments and asymmetries of the image at five scales (`nn/odd_statistics.py`), and the difference of the
content encoder's features of the image and of its negative (`nn/content_asymmetry.py`), followed by two small layers.
The score of a negative is the negative of the score. An exemplar is classified as black-hot below a score of
-{margin:.2f}, else as white-hot, as nearly all are.

## Trained on

White-hot long-wave infrared, no RGB images:

{learned}

Most of these sets state no licence; no image of them is part of this package. Only scored, not trained on:
{held_out}.

## Recipe

`configs/polarity.yaml` at commit `{commit[:12]}`: {recipe.versions} augmented versions of each image, {recipe.steps}
steps of {recipe.batch_size} of them,
`python scripts/train_polarity.py configs/polarity.yaml --data ROOT`.

## Scores

Training sets by cross-validation in {recipe.folds} folds of whole scenes in recording order, each scored by a
classifier that was not trained on its fold; the others by the bundled weights. pv_inspection is one solar plant, split
by image: a classifier without images of solar plants calls 19% of its images black-hot. The margin is the smallest with
at most {recipe.largest_false:.0%} of the gate's white-hot images called black-hot; the aim for their negatives is
{_WANTED:.0%} recognised, which is {reached}. Since the margin was chosen on these scores, both rates are slightly
better than for other cameras.

| set | images | white-hot called black-hot | negatives recognised | right without a margin |
|---|---|---|---|---|
{chr(10).join(lines)}

## Not good for

- Near infrared: it is never classified.
- Scenes without people, vehicles, sky or vegetation, such as bare facades: both polarities look alike there.
- Palettes: a colour image is classified by its luma.
"""


def _row(name: str, rates: Rates) -> str:
    return f"| {name} | {rates.images} | {rates.false:.1%} | {rates.recognised:.1%} | {rates.right:.1%} |"


_WARM_UP = 50
_REPORT_EVERY = 500
_MEASURED = 8192  # rows from which the scale of the statistics is taken

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PolarityRecipe:
    """Recipe of the polarity classifier.

    Attributes:
        sets: White-hot sets to train on.
        held_out: White-hot sets that are only scored.
        gate: Names of the sets whose scores determine the margin.
        folds: Folds of the cross-validation.
        versions: Augmented versions of each image, drawn once.
        steps: Steps of each training.
        batch_size: Versions per step.
        lr: Peak learning rate of AdamW; a short warm-up, then a cosine to zero.
        weight_decay: Decoupled weight decay.
        ema: Decay of the moving average of the weights, which is the result.
        seed: Seed of all random numbers.
        largest_false: Largest share of the gate's white-hot images that may be classified as black-hot.
    """

    sets: list[PolaritySet]
    held_out: list[PolaritySet] = field(default_factory=list)
    gate: list[str] = field(default_factory=list)
    folds: int = 4
    versions: int = 10
    steps: int = 1500
    batch_size: int = 256
    lr: float = 2e-3
    weight_decay: float = 0.1
    ema: float = 0.99
    seed: int = 0
    largest_false: float = 0.01


@dataclass(frozen=True)
class Rates:
    """Error rates of a classifier with a margin on white-hot images and their negatives.

    Attributes:
        images: Number of images.
        false: Share of white-hot images classified as black-hot.
        recognised: Share of negatives classified as black-hot.
        right: Share of scores with the correct sign, without a margin.
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
        raise InputError(f"{path}: expected the gate to list sets of the recipe, got {', '.join(sorted(unknown))}")
    if recipe.folds < 2:
        raise InputError(f"{path}: expected folds of 2 or more, got {recipe.folds}")
    return recipe


def train_classifier(recipe: PolarityRecipe, statistics: Sequence[Tensor]) -> PolarityClassifier:
    """Train one classifier.

    Args:
        recipe: Training options, with the share of each set.
        statistics: Statistics of the images to train on (N, V, C), set by set.

    Returns:
        The classifier with the moving average of the weights, in evaluation mode.
    """
    torch.manual_seed(recipe.seed)
    random, shares = torch.Generator().manual_seed(recipe.seed), [one.share for one in recipe.sets]
    model = PolarityClassifier(statistics[0].shape[-1]).train()
    model.scale.copy_(draw_batch(statistics, shares, _MEASURED, random).pow(2).mean(0).sqrt().clamp(min=1e-4))
    average = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * _rate(step, recipe.steps)
        # The score is odd, so the negatives have the same loss.
        loss = F.softplus(-model(draw_batch(statistics, shares, recipe.batch_size, random))).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        _follow(average, model, min(recipe.ema, (1 + step) / (10 + step)))
        if (step + 1) % _REPORT_EVERY == 0:
            logger.info("step %d: loss %.4f", step + 1, loss.item())
    return average


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


@torch.no_grad()
def _follow(average: PolarityClassifier, model: PolarityClassifier, decay: float) -> None:
    for kept, now in zip(average.parameters(), model.parameters(), strict=True):
        kept.lerp_(now, 1 - decay)


@torch.no_grad()
def scores_of(model: PolarityClassifier, images: PolarityImages) -> Tensor:
    """Return the scores (N,) of the unmodified images of a set."""
    scores: Tensor = model(images.plain)
    return scores


def cross_validate(
    recipe: PolarityRecipe, sets: Sequence[PolarityImages], statistics: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Return scores (N,) of all images by set, each by a classifier that was not trained on the image's fold.

    Args:
        recipe: Training options.
        sets: The images.
        statistics: Statistics to train on (N, V, C), set by set.
    """
    assigned = [one.folds(recipe.folds) for one in sets]
    scores = {one.name: torch.zeros(len(one.files)) for one in sets}
    for fold in range(recipe.folds):
        kept = [found[folds != fold] for found, folds in zip(statistics, assigned, strict=True)]
        model = train_classifier(recipe, kept)
        for one, folds in zip(sets, assigned, strict=True):
            scores[one.name][folds == fold] = scores_of(model, one)[folds == fold]
    return scores


def choose_margin(scores: Tensor, largest_false: float) -> float:
    """Return the smallest margin with at most the given share of white-hot scores (N,) classified as black-hot.

    Raises:
        InputError: No score.
    """
    if not len(scores):
        raise InputError("expected scores of white-hot images to choose a margin from, got none")
    allowed = int(largest_false * len(scores))
    # Halfway to the next score, so that rounding changes neither classification.
    ordered = scores.double().sort().values
    last_allowed = ordered[allowed - 1] if allowed else ordered[0] - 0.2
    return max(0.0, -float((last_allowed + ordered[allowed]) / 2))


def rates_by_set(scores: Mapping[str, Tensor], margin: float) -> dict[str, Rates]:
    """Return the error rates of each set by name, from scores (n,)."""
    return {name: Rates.of(found, margin) for name, found in scores.items()}
