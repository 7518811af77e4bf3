"""The data sets that a run reads, as MLflow records them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.data.cards import load_card
from ir_transfer.json_files import json_text

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

    from ir_transfer.training.loop import Trainer

_CONTEXT = "mlflow.data.context"


@dataclass(frozen=True)
class RunInput:
    """Images that a run reads.

    Attributes:
        name: Short name.
        context: ``training``, ``validation`` or ``evaluation``.
        root: Their folder.
        files: All files, below the root or elsewhere.
        facts: More to record: card, band, counts.
    """

    name: str
    context: str
    root: Path
    files: Sequence[Path]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return the record for JSON; reads every file for the digest.

        Raises:
            OSError: A file cannot be read.
        """
        return {
            "name": self.name,
            "context": self.context,
            "root": str(self.root.absolute()),
            "digest": content_digest(self.root, self.files),
            "profile": {"files": len(set(self.files)), **self.facts},
        }


def content_digest(root: Path, files: Sequence[Path]) -> str:
    """Return eight hexadecimal digits of the names and bytes of files, independent of their order.

    Raises:
        OSError: A file cannot be read.
    """
    total = hashlib.sha256()
    for path in sorted(set(files)):
        name = path.relative_to(root) if path.is_relative_to(root) else path.name
        with path.open("rb") as file:
            total.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()[:8]


def data_input(summary: Mapping[str, Any]) -> DatasetInput:
    """Return the summary of a :class:`RunInput` as an input of an MLflow run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    recorded = Dataset(
        name=summary["name"],
        digest=summary["digest"],
        source_type="local",
        source=json_text({"uri": summary["root"]}),
        profile=json_text(summary["profile"]),
    )
    return DatasetInput(recorded, [InputTag(_CONTEXT, summary["context"])])


def training_inputs(trainer: Trainer, root: Path) -> list[RunInput]:
    """Return the training sets of a trainer, then its validation sets.

    Args:
        trainer: The trainer.
        root: Folder that the paths of the recipe are relative to.
    """
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
    """Return the fields of a data set's card that concern users of the trained weights."""
    if name is None:
        return {}
    card = load_card(name)
    return {"card": card.name, "licence": card.licence, "forbids": card.forbids, "citation": card.citation}


def input_digests(run: Run, context: str) -> list[str]:
    """Return ``name digest`` of the data sets that a run read in a context, by name.

    Validation metrics of two trainings are comparable only if those of ``validation`` are equal.
    """
    return sorted(
        f"{entry.dataset.name} {entry.dataset.digest}"
        for entry in (run.inputs.dataset_inputs if run.inputs else [])
        if any(tag.key == _CONTEXT and tag.value == context for tag in entry.tags)
    )
