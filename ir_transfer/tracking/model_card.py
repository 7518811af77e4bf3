"""The model card included in every registered version."""

from __future__ import annotations

from collections.abc import Sequence

from ir_transfer.markdown import markdown_code, markdown_text
from ir_transfer.tracking.weights_file import WeightsFile

CARD = "README.md"
"""File name of the card in a logged model."""


def model_card(name: str, weights: WeightsFile, run_id: str, data_notes: Sequence[str] = ()) -> str:
    """Return the card as Markdown.

    Args:
        name: Registered name.
        weights: The weights file.
        run_id: Identifier of the training run.
        data_notes: One line per source of the training data: name, licence, restrictions.
    """
    band = markdown_text(weights.band.upper()) or "an unnamed band"
    scores = "\n".join(f"| {markdown_text(figure)} | {value:.3f} |" for figure, value in weights.scores.items())
    table = f"| figure | value |\n|---|---|\n{scores}" if scores else "None were recorded."
    return f"""# {name}

Weights of {markdown_code(weights.model)} that translate an RGB image to an apparent-intensity {band} image
of the same size, in the style of an exemplar (an infrared image). Weights file: sha256 `{weights.sha256}`.
Training run: `{run_id}`.

## Use

```bash
ir-transfer convert photos/ --style thermal.png --weights models:/{name}@champion
```

```python
model = mlflow.pyfunc.load_model("models:/{name}@champion")  # needs ir-transfer installed
infrared = model.predict(rgb, params={{"strength": 1.0, "polarity": "white-hot"}})
```

`rgb` is an array (H, W, 3), uint8 or float in [0, 1], of any size; `infrared` is float32 (H, W) in [0, 1].
Pass several images of one size as (N, H, W, 3); of several sizes as an object array of arrays, bytes of image files, or
their base64 texts. A served model accepts `{{"inputs": ["<base64 of a PNG or JPEG>"]}}`. The style is that of the
exemplar that is logged with the model.

## Trained on

{_data(weights, data_notes)}

## Recipe

{_recipe(weights)}

## Validation metrics from training

{table}

`ir-transfer models promote {name}` compares it with the baselines and the champion: see this version's tags.

## Limits

- The output is relative apparent intensity, not temperature or reflectance, and is not calibrated.
- It shows the usual infrared appearance of such a scene. Heat sources not visible in the RGB image are not detected.
- Results are worse for scenes unlike the training data; there is no warning.
"""


def _data(weights: WeightsFile, data_notes: Sequence[str]) -> str:
    lines = data_notes or [line.removeprefix("- ") for line in weights.metadata.get("training_data", "").splitlines()]
    noted = [f"- {markdown_text(line)}" for line in lines]
    if not noted:
        sources = weights.recipe.get("data", {}).get("sources", [])
        noted = [
            f"- {markdown_code(source.get('path'))}: licence not recorded; see the data set's card."
            for source in sources
        ]
    licence = weights.metadata.get("licence")
    return "\n".join(noted or ["Not recorded."]) + (f"\n\nLicence: {markdown_text(licence)}." if licence else "")


def _recipe(weights: WeightsFile) -> str:
    if not weights.recipe:
        return "Not recorded."
    losses = (
        ", ".join(f"{markdown_text(name)} {share:g}" for name, share in weights.recipe.get("losses", {}).items())
        or "none named"
    )
    step = weights.metadata.get("step", "unknown")
    return f"Kept from step {step}. Losses: {losses}. The whole recipe is in the weights file and in the training run."
