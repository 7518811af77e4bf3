"""Train the polarity classifier that ships: cross-validation, final weights, margin and card.

python scripts/train_polarity.py configs/polarity.yaml --data ROOT --out runs/polarity [--part 0 --part final]

Each fold and the final training leave a file in the run folder and are not done again, so that they may run one by one
or side by side. When all are there, the margin is chosen and ir_transfer/weights/polarity.safetensors and its card are
written.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from ir_transfer.data.image_io import write_whole
from ir_transfer.models import weight_files
from ir_transfer.nn.polarity import PolarityClassifier
from ir_transfer.training.polarity import (
    PolarityRecipe,
    choose_margin,
    cross_validate,
    load_polarity_recipe,
    rates_by_set,
    read_sets,
    scores_of,
    train_classifier,
)
from ir_transfer.training.polarity_card import write_card
from ir_transfer.training.polarity_data import PolarityImages

WEIGHTS = Path(__file__).resolve().parent.parent / "ir_transfer" / "weights" / "polarity.safetensors"
FINAL = "final"


def main() -> None:
    """Train what is missing; ship when all is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="root of the recipe's folders")
    parser.add_argument("--out", type=Path, default=Path("runs/polarity"), help="run folder")
    parser.add_argument("--part", action="append", help="a fold by its number, or final; all by default")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    recipe = load_polarity_recipe(arguments.recipe)
    arguments.out.mkdir(parents=True, exist_ok=True)
    sets = read_sets(arguments.data, recipe.sets)
    parts = [*map(str, range(recipe.folds)), FINAL]
    for part in arguments.part or parts:
        path = arguments.out / f"{part}.pt"
        if not path.is_file():
            train_part(recipe, sets, part, path)
    if all((arguments.out / f"{part}.pt").is_file() for part in parts):
        ship(recipe, sets, read_sets(arguments.data, recipe.held_out), arguments.out)


def train_part(recipe: PolarityRecipe, sets: list[PolarityImages], part: str, path: Path) -> None:
    """Train one fold and keep its scores, or the final classifier and keep its weights."""
    if part == FINAL:
        everything = [torch.arange(len(one.files)) for one in sets]
        torch.save(train_classifier(recipe, sets, everything).state_dict(), path)
    else:
        torch.save(cross_validate(recipe, sets, int(part)), path)


def ship(recipe: PolarityRecipe, sets: list[PolarityImages], held_out: list[PolarityImages], run: Path) -> None:
    """Choose the margin on scores of images that were not learned from; write the weights and the card."""
    model = PolarityClassifier().eval()
    model.load_state_dict(torch.load(run / f"{FINAL}.pt"))
    folds = [torch.load(run / f"{fold}.pt") for fold in range(recipe.folds)]
    scores: dict[str, Tensor] = {one.name: torch.cat([fold[i] for fold in folds]) for i, one in enumerate(sets)}
    scores |= {one.name: scores_of(model, one) for one in held_out}
    margin = choose_margin(torch.cat([scores[name] for name in recipe.gate]), recipe.largest_false)
    rates = {"gate": torch.cat([scores[name] for name in recipe.gate]), **scores}
    found = rates_by_set(rates, margin)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    metadata = {
        "kind": "weights",
        "model": "polarity",
        "margin": f"{margin:.4f}",
        "commit": commit,
        "recipe": json.dumps(asdict(recipe)),
        "rates": json.dumps({name: asdict(one) for name, one in found.items()}),
    }
    weight_files.write(WEIGHTS, weight_files.packed(model.state_dict()), metadata)
    write_whole(WEIGHTS.with_suffix(".md"), write_card(recipe, found, margin, WEIGHTS.stat().st_size, commit).encode())
    for name, one in found.items():
        print(f"{name}: {one.images} images, {one.false:.3f} false, {one.recognised:.3f} recognised")


if __name__ == "__main__":
    main()
