"""The card of the polarity classifier, written from what was measured."""

from __future__ import annotations

from collections.abc import Mapping

from ir_transfer.training.polarity import PolarityRecipe, Rates

_WANTED = 0.95


def write_card(recipe: PolarityRecipe, rates: Mapping[str, Rates], margin: float, size: int, commit: str) -> str:
    """Return the card as Markdown.

    Args:
        recipe: How the classifier was trained.
        rates: Rates by set, and over the recipe's gate as ``"gate"``.
        margin: In the weights' metadata.
        size: Of the weight file, in bytes.
        commit: That it was trained with.
    """
    gate = rates["gate"]
    lines = [_row(name if name != "gate" else "all of the gate", one) for name, one in rates.items()]
    learned = "\n".join(f"- {one.name}: {', '.join(one.folders)}" for one in recipe.sets)
    held_out = ", ".join(one.name for one in recipe.held_out)
    reached = "reached" if gate.false <= recipe.largest_false and gate.recognised >= _WANTED else "not reached"
    return f"""# polarity

Weights of the polarity classifier, {size / 1000:.0f} kB: which way round an infrared exemplar is. It sees third moments
and asymmetries of the image at five scales (`nn/odd_statistics.py`) and how differently the content encoder sees the
image and its negative (`nn/content_asymmetry.py`), and has two small layers on them. The score of a negative is the
negative of the score. Black-hot is answered below a score of -{margin:.2f}; else an exemplar is
taken to be white-hot, as nearly all are.

## Trained on

White-hot long-wave infrared, no RGB images:

{learned}

Most of these sets state no licence; no image of them is part of this package. Only scored, never learned from:
{held_out}.

## Recipe

`configs/polarity.yaml` at commit `{commit[:12]}`: {recipe.versions} augmented versions of each image, {recipe.steps}
steps of {recipe.batch_size} of them,
`python scripts/train_polarity.py configs/polarity.yaml --data ROOT`.

## Scores

Learned sets by cross-validation in {recipe.folds} folds of whole scenes in recording order, each scored by a classifier
that saw none of its fold; the others by the weights that ship. pv_inspection is one solar plant, cut by image: seen
by a classifier that knew no plant, 19% of its images were called black-hot. The margin is the smallest with at most
{recipe.largest_false:.0%} of the gate's white-hot images called black-hot; wanted besides: {_WANTED:.0%} of their
negatives recognised, which is {reached}. The margin was chosen on these very scores, so that both rates are a little
better than on other cameras.

| set | images | white-hot called black-hot | negatives recognised | right without a margin |
|---|---|---|---|---|
{chr(10).join(lines)}

## Not good for

- Near infrared: it is never judged.
- Scenes without people, vehicles, sky or vegetation, such as bare facades: both polarities look alike there.
- Palettes: a colour image is judged by its luma.
"""


def _row(name: str, rates: Rates) -> str:
    return f"| {name} | {rates.images} | {rates.false:.1%} | {rates.recognised:.1%} | {rates.right:.1%} |"
