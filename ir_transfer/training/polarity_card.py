"""Card of the polarity classifier, written from its measured error rates."""

from __future__ import annotations

from collections.abc import Mapping

from ir_transfer.training.polarity import PolarityRecipe, Rates

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
