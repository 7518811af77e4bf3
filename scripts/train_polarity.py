"""Train the bundled polarity classifier: cross-validation, final weights, margin and card.

python scripts/train_polarity.py configs/polarity.yaml --data ROOT

Takes a few minutes on one core. Writes ir_transfer/weights/polarity.safetensors and polarity.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ir_transfer.imaging.image_io import write_whole
from ir_transfer.models import weight_files
from ir_transfer.models.encoder_files import shipped_encoder
from ir_transfer.training.polarity import (
    PolarityRecipe,
    choose_margin,
    cross_validate,
    load_polarity_recipe,
    rates_by_set,
    scores_of,
    train_classifier,
    write_card,
)
from ir_transfer.training.polarity_data import PolarityImages, read_images

WEIGHTS = Path(__file__).resolve().parent.parent / "ir_transfer" / "weights" / "polarity.safetensors"


def main() -> None:
    """Train, choose the margin on scores of images not trained on, and write the bundled files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="root of the recipe's folders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print the rates and write nothing")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipe = load_polarity_recipe(arguments.recipe)
    encoder = shipped_encoder()
    sets = [read_images(arguments.data, one, encoder) for one in recipe.sets]
    held_out = [read_images(arguments.data, one, encoder) for one in recipe.held_out]
    random = torch.Generator().manual_seed(recipe.seed)
    statistics = [one.augmented(recipe.versions, random, encoder) for one in sets]
    ship(recipe, sets, held_out, statistics, dry_run=arguments.dry_run)


def ship(
    recipe: PolarityRecipe,
    sets: Sequence[PolarityImages],
    held_out: Sequence[PolarityImages],
    statistics: Sequence[Tensor],
    *,
    dry_run: bool = False,
) -> None:
    """Train on measured images, choose the margin, print the rates, and write weights and card."""
    folder = Path(__file__).parent
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout
    scores = cross_validate(recipe, sets, statistics)
    model = train_classifier(recipe, statistics)
    scores |= {one.name: scores_of(model, one) for one in held_out}
    gate = torch.cat([scores[name] for name in recipe.gate])
    margin = choose_margin(gate, recipe.largest_false)
    rates = rates_by_set({"gate": gate, **scores}, margin)
    for name, one in rates.items():
        print(f"{name}: {one.images} images, {one.false:.3f} false, {one.recognised:.3f} recognised, {one.right:.3f}")
    if dry_run:
        return
    metadata = {
        "kind": "weights",
        "model": "polarity",
        "margin": f"{margin:.4f}",
        "commit": commit.strip(),
        "recipe": json.dumps(asdict(recipe)),
        "rates": json.dumps({name: asdict(one) for name, one in rates.items()}),
    }
    weight_files.write(WEIGHTS, model.state_dict(), metadata)
    card = write_card(recipe, rates, margin, WEIGHTS.stat().st_size, commit.strip())
    write_whole(WEIGHTS.with_suffix(".md"), card.encode())


if __name__ == "__main__":
    main()
