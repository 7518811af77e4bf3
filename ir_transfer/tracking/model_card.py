"""The model card that travels with every registered version."""

from __future__ import annotations

from collections.abc import Sequence

from ir_transfer.tracking.weights_file import WeightsFile

CARD = "README.md"
"""Name of the card in a logged model."""


def model_card(name: str, weights: WeightsFile, run_id: str, data_notes: Sequence[str] = ()) -> str:
    """Return the card as Markdown.

    Args:
        name: Registered name.
        weights: The file that it is about.
        run_id: The training run.
        data_notes: A line for each source of the training data: name, licence, what it forbids.
    """
    band = weights.band.upper() or "an unnamed band"
    scores = "\n".join(f"| {figure} | {value:.3f} |" for figure, value in weights.scores.items())
    table = f"| figure | value |\n|---|---|\n{scores}" if scores else "None were recorded."
    return f"""# {name}

Weights of `{weights.model}` that turn a photograph into an apparent {band} picture of the same size, in the look of an
exemplar. Weights file: sha256 `{weights.sha256}`. Training run: `{run_id}`.

## Use

```bash
ir-transfer convert photos/ --style thermal.png --weights models:/{name}@champion
```

```python
model = mlflow.pyfunc.load_model("models:/{name}@champion")  # needs ir-transfer installed
infrared = model.predict(photograph, params={{"strength": 1.0, "polarity": "white-hot"}})
```

`photograph` is an array (H, W, 3), uint8 or float in [0, 1], of any size; `infrared` is float32 (H, W) in [0, 1].
Several of one size go in as (N, H, W, 3); of several sizes as an object array of arrays, bytes of picture files, or
their base64 texts. A served model takes `{{"inputs": ["<base64 of a PNG or JPEG>"]}}`. The exemplar logged with the
model decides the look.

## Trained on

{_data(weights, data_notes)}

## Recipe

{_recipe(weights)}

## Scores in training's own validation

{table}

Whether it beats the trivial rows is what `ir-transfer models promote {name}` finds out: see this version's tags.

## Limits

- The output is relative apparent intensity, not temperature or reflectance; nothing in it is calibrated.
- It shows what a photograph of such a scene usually looks like in infrared. Heat that the photograph does not show is
  not found.
- Scenes unlike the training data get worse pictures, without a warning.
"""


def _data(weights: WeightsFile, data_notes: Sequence[str]) -> str:
    noted = [f"- {note}" for note in data_notes] or weights.metadata.get("training_data", "").splitlines()
    if not noted:
        sources = weights.recipe.get("data", {}).get("sources", [])
        noted = [f"- `{source.get('path')}`: licence not recorded; see the data set's card." for source in sources]
    licence = weights.metadata.get("licence")
    return "\n".join(noted or ["Not recorded."]) + (f"\n\nLicence: {licence}." if licence else "")


def _recipe(weights: WeightsFile) -> str:
    if not weights.recipe:
        return "Not recorded."
    losses = ", ".join(f"{name} {share:g}" for name, share in weights.recipe.get("losses", {}).items()) or "none named"
    step = weights.metadata.get("step", "unknown")
    return f"Kept from step {step}. Losses: {losses}. The whole recipe is in the weights file and in the training run."
