"""The picture sets of a training, for its story in MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ir_transfer.data.cards import load_card
from ir_transfer.tracking.provenance import RunInput
from ir_transfer.training.loop import Trainer


def data_sets(trainer: Trainer, root: Path) -> list[RunInput]:
    """Return the sets that a trainer learns from, and those that it validates on."""
    data = trainer.recipe.data
    found = []
    for source, images in zip(data.sources, trainer.batches.sets, strict=True):
        facts: dict[str, Any] = {"band": data.band, "pairing": source.pairing, "photographs": len(images.rgb)}
        facts |= {**_card(source.card), "split": source.split, "part": source.part}
        facts |= {} if source.licence is None else {"licence": source.licence}
        found.append(RunInput(source.path, "training", root / source.path, images.files, facts))
    for one in trainer.validation.sets if trainer.validation is not None else ():
        section = one.section
        facts = {"band": data.band, "pairing": section.pairing, "photographs": len(one.images)}
        facts |= {**_card(section.card), "split": section.split, "part": section.part}
        found.append(RunInput(section.path, "validation", root / section.path, [*one.files], facts))
    return found


def _card(name: str | None) -> dict[str, Any]:
    """Return what of a data set's card matters to those who use what was learned from it."""
    if name is None:
        return {}
    card = load_card(name)
    return {"card": card.name, "licence": card.licence, "forbids": card.forbids, "citation": card.citation}
