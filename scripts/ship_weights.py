"""Convert the best weights of a training run to bundled weights: 8 bits per weight, metadata and a card.

python scripts/ship_weights.py runs/adain-lwir adain-lwir

Everything in the card is read from the run's journal and the weights' own metadata: data with counts and licences,
steps, losses, scores. The run must have been started from a clean checkout, whose commit names the weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ir_transfer import create_model
from ir_transfer.models import weight_files
from ir_transfer.training.journal import read_events

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "ir_transfer" / "weights"
LIMIT = 8_000_000  # bytes that one file may have in the package
REFLECTED = {"nir", "swir"}
COLUMNS = ("cell_correlation", "people_hot", "gradient_agreement", "luma_highpass", "truth_highpass", "psnr")

NOT_FOR = {
    False: """- Temperature. The output is relative apparent intensity; nothing in it is calibrated.
- Finding what an RGB image does not show: heat behind a wall, a warm engine in a parked car, people in the dark.
- Close-ups of faces, indoor scenes, macro shots: hardly any were in the training data.
- Claims about a sensor: resolution, gain and the spectrum of the noise are not those of a particular camera.""",
    True: """- Reflectance. The output is relative intensity; indices such as NDVI must not be computed from it.
- Vegetation health: what distinguishes healthy from stressed plants in this band is not in an RGB image.
- Ground scenes outside daylight.""",
}


def main() -> None:
    """Write ``ir_transfer/weights/NAME.safetensors`` and its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with best.safetensors and its journal")
    parser.add_argument("name", help="name of the weights: MODEL-BAND")
    parser.add_argument("--begun", help="description of the initial weights, in place of their file name")
    arguments = parser.parse_args()
    model = create_model(arguments.name.partition("-")[0], weights=arguments.run / "best.safetensors")
    commit = model.metadata["commit"]
    if not commit or commit.endswith("-dirty"):
        raise SystemExit(f"expected a run of a clean commit, got {commit or 'none'}: commit, then train again")
    events, _ = read_events(arguments.run)
    recipe = json.loads(model.metadata["recipe"])
    band = recipe["data"]["band"]
    kept = {key: value for key, value in model.hyper_parameters.items() if key not in model.run_options}
    metadata = {
        **model.metadata,
        "hyper_parameters": json.dumps(kept),  # options of the training's validation are not the user's
        "band": band,
        "init": begun(model.metadata.get("init", ""), arguments.begun),
        "name": arguments.name,
        "training_data": data_lines(recipe, events),
        "licence": "weights: MIT; training data: see training_data",
    }
    path = WEIGHTS / f"{arguments.name}.safetensors"
    tensors, described = weight_files.without_shared_encoder(model.state_dict(), metadata)
    weight_files.write(path, weight_files.packed(tensors), described)
    size = path.stat().st_size
    if size > LIMIT:
        raise SystemExit(f"{path} has {size} bytes, more than {LIMIT}")
    path.with_suffix(".md").write_text(card(arguments.name, metadata, recipe, size))
    print(f"wrote {path} ({size / 1e6:.1f} MB) and its card")


def begun(init: str, text: str | None) -> str:
    """Return the initial weights of a run as ``FILE (HASH)``, without folders, or with a text in place of the file."""
    name, mark, digest = init.rpartition(" (")
    return f"{text or Path(name).name}{mark}{digest}" if mark else text or init


def data_lines(recipe: Mapping[str, Any], events: list[dict[str, Any]]) -> str:
    """Return a line for every training set: path, RGB images, share, licence."""
    noted = [event["data"] for event in events if event["kind"] == "data"]
    profiles = {data["name"]: data["profile"] for data in noted if data["context"] == "training"}
    lines = []
    for source in recipe["data"]["sources"]:
        if (profile := profiles.get(source["path"])) is None:
            raise SystemExit(f"expected the set {source['path']} in the run's journal, found none: train with tracking")
        kind = "pairs" if source["pairing"] == "paired" else "photographs without infrared"
        licence = source.get("licence") or profile.get("licence", "licence not noted")
        lines.append(f"- {source['path']}: {profile['photographs']} {kind}, share {source['share']:g}. {licence}.")
    return "\n".join(lines)


def card(name: str, metadata: Mapping[str, str], recipe: Mapping[str, Any], size: int) -> str:
    """Return the model card as Markdown."""
    band, model = recipe["data"]["band"], recipe["model"]
    losses = ", ".join(f"{key} {value:g}" for key, value in recipe["losses"].items())
    recipes = (f"configs/train/{name}{kind}.yaml" for kind in ("-shipped", ""))
    recipe_file = next(path for path in recipes if (ROOT / path).is_file())
    encoder = f" The content encoder (`{model['encoder']}`) stayed as it was." if model.get("encoder") else ""
    shared = ", beside the content encoder that all systems share" if model.get("encoder") else ""
    began = f", begun from {metadata['init']}" if metadata.get("init") else ""
    return f"""# {name}

Weights of `{model["name"]}` (compact) for {band.upper()}, {size / 1e6:.1f} MB, 8 bits a weight on disk{shared}.

## Trained on

{metadata["training_data"]}

No image of these sets is part of this package. Whoever needs weights whose data are licensed for commerce trains them
again with the recipe on data of their own. The losses used a compact VGG-19 (Wang et al. 2020, MIT), which is not part
of this package either.

## Recipe

`{recipe_file}` at commit {metadata["commit"][:12]}, step {metadata["step"]} of {recipe["training"]["steps"]}, the best
by the validation's rank{began}.{encoder}
Losses: {losses}. The whole recipe is in the file's metadata.

## Scores in training's own validation

Two typical exemplars of each set; the comparison with the baselines is in `evaluation/results`.

{score_table(json.loads(metadata["scores"]))}

## Not good for

{NOT_FOR[band in REFLECTED]}
"""


def score_table(scores: Mapping[str, float]) -> str:
    """Return the chosen columns of every validation set, and the gates, as a Markdown table."""
    sets = list(dict.fromkeys(key.partition("/")[0] for key in scores if "/" in key and not key.startswith("gates/")))
    shown = [column for column in COLUMNS if any(f"{name}/{column}" in scores for name in sets)]
    lines = ["| set | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for name in sets:
        cells = (scores.get(f"{name}/{column}") for column in shown)
        lines.append(f"| {name} | " + " | ".join("" if cell is None else f"{cell:.3f}" for cell in cells) + " |")
    gates = ", ".join(f"{key.removeprefix('gates/')} {value:.3f}" for key, value in scores.items() if "gates/" in key)
    return "\n".join(lines) + (f"\n\nGates: {gates}." if gates else "")


if __name__ == "__main__":
    main()
