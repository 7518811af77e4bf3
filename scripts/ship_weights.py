"""Turn the best weights of a training run into the ones that ship: 8 bits a weight, full metadata, a card.

python scripts/ship_weights.py runs/adain-lwir adain-lwir [--contrast 0.85]

Where the photograph leaves the answer open, a bold guess costs more than a careful one: --contrast lowers the head's
gain about mid-gray, as validation shows that it pays.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import torch

from ir_transfer import create_model
from ir_transfer.models import weight_files

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "ir_transfer" / "weights"
LIMIT = 4_000_000  # bytes that one file may have in the package

DATA = {
    "lwir": """- RoadScene (hanna-xu/RoadScene, from FLIR ADAS video): 145 training pairs. No licence stated.
- VIFB (xingchenzhang/VIFB): 21 pairs. No licence stated; research use.
- StaRainJ/Multi-modality-image-matching-database, visible-infrared part: 10 pairs. No licence stated.
- milulitech/irsurvey (44), songlei-xiong/ATFuse's MFNet pictures (20), Geoffrey1500/IR_RGB_registration (35),
  honeygupta/UGSR (23), fatima-zahra-bamessaoud/Image-Fusion-applied-to-PV-inspections (32). No licence stated.

No picture of these sets is part of this package. Whoever needs weights whose data are licensed for commerce trains
them again with the recipe on data of their own.""",
    "nir": """- JasonLi-UCAS/NIR-VIS-RS: 80 aerial and satellite tiles. No licence stated.
- StaRainJ/Multi-modality-image-matching-database, RGB-NIR part: 27 ground scenes, every sixth of which validates.
  No licence stated.

No picture of these sets is part of this package.""",
}
NOT_FOR = {
    "lwir": """- Temperature. The output is relative apparent intensity; nothing in it is calibrated.
- Finding what a photograph does not show: heat behind a wall, a warm engine in a parked car, people in the dark.
- Close-ups of faces, indoor scenes, macro shots: hardly any were in the training data.
- Claims about a sensor: noise, resolution and gain are those of nobody's camera.""",
    "nir": """- Reflectance. The output is relative intensity; indices such as NDVI must not be computed from it.
- Vegetation health: what distinguishes healthy from stressed plants in this band is not in a photograph.
- Ground scenes outside daylight: there were 27 pairs of ground scenes in all.""",
}


def main() -> None:
    """Write ``ir_transfer/weights/NAME.safetensors`` and its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder with best.safetensors")
    parser.add_argument("name", help="name of the weights: MODEL-BAND")
    parser.add_argument("--contrast", type=float, default=1.0, help="factor of the head's gain; 1 leaves it")
    arguments = parser.parse_args()
    model = create_model(arguments.name.partition("-")[0], weights=arguments.run / "best.safetensors")
    band = json.loads(model.metadata["recipe"])["data"]["band"]
    kept = {key: value for key, value in model.hyper_parameters.items() if key not in model.run_options}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    metadata = {
        **model.metadata,
        "hyper_parameters": json.dumps(kept),  # options of the training's validation are not the user's
        "band": band,
        "name": arguments.name,
        "commit": commit,
        "training_data": DATA[band],
        "licence": "weights: MIT; training data: see training_data",
        "contrast": f"{arguments.contrast:g}",
    }
    path = WEIGHTS / f"{arguments.name}.safetensors"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("decoder.head.conv.weight", "decoder.head.conv.bias")):
                parameter.mul_(arguments.contrast)
    weight_files.write(path, weight_files.packed(model.state_dict()), metadata)
    if path.stat().st_size > LIMIT:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes, more than {LIMIT}")
    path.with_suffix(".md").write_text(card(arguments.name, band, metadata, path.stat().st_size))
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB) and its card")


def card(name: str, band: str, metadata: dict[str, str], size: int) -> str:
    """Return the model card as Markdown."""
    recipe, scores = json.loads(metadata["recipe"]), json.loads(metadata["scores"])
    rows = "\n".join(f"| {key} | {value:.3f} |" for key, value in scores.items())
    losses = ", ".join(f"{key} {value:g}" for key, value in recipe["losses"].items())
    recipes = (f"configs/train/{name}{kind}.yaml" for kind in ("-shipped", ""))
    looks = list(recipe["data"].get("looks", {}))
    data = recipe["data"]
    conditioned = looks[0] if looks else data.get("validation_exemplar") or "exemplars of each set"
    validated = data.get("validation") or ", ".join(one["path"] for one in data["validations"])
    recipe_file = next(path for path in recipes if (ROOT / path).is_file())
    contrast = ""
    if metadata["contrast"] != "1":
        contrast = (
            f"\n\nThe head's gain was then multiplied by {metadata['contrast']}, chosen on the validation scenes; the"
            "\nscores below are from before that."
        )
    return f"""# {name}

Weights of `{recipe["model"]["name"]}` (compact) for {band.upper()}, {size / 1e6:.1f} MB, 8 bits a weight on disk.

## Trained on

{DATA[band]}

The losses used a compact VGG-19 (Wang et al. 2020, MIT) as judge; it is not part of this package.

## Recipe

`{recipe_file}`, stopped at step {metadata["step"]}. Losses: {losses}. The whole recipe is in the file's
metadata.{contrast}

## Scores in training's own validation

{"One look" if looks else "Fixed exemplars"} (`{conditioned}`) on `{validated}`:

| figure | value |
|---|---|
{rows}

The comparison with the baselines is in `evaluation/results`.

## Not good for

{NOT_FOR[band]}
"""


if __name__ == "__main__":
    main()
