"""The data sets that a run reads, as MLflow records them, and whether several runs read the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.data.cards import load_card
from ir_transfer.json_files import json_text, parse_json

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

    from ir_transfer.training.loop import Trainer

_CONTEXT = "mlflow.data.context"
_CONSEQUENCES = {
    "training": "they were trained on different images, so a difference may come from the data alone",
    "validation": "their validation metrics are not comparable",
    "evaluation": "their evaluation metrics are not comparable",
}


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


@dataclass(frozen=True)
class InputRow:
    """One data set in several runs.

    Attributes:
        name: Name of the data set.
        context: ``training``, ``validation``, ``evaluation`` or empty.
        digests: Digest of its content in each run, None where the run has no such set.
        counts: Its other recorded facts in words, in each run.
        warning: Consequence if the runs differ in it; empty if they do not.
    """

    name: str
    context: str
    digests: list[str | None]
    counts: list[str]
    warning: str


def compare_inputs(runs: Sequence[Run]) -> list[InputRow]:
    """Return the data sets that any of the runs read, by context and name."""
    read = [_inputs(run) for run in runs]
    keys = sorted({key for found in read for key in found})
    rows = []
    for context, name in keys:
        own = [found.get((context, name)) for found in read]
        digests = [None if dataset is None else str(dataset.digest) for dataset in own]
        counts = ["" if dataset is None else _profile(dataset.profile) for dataset in own]
        rows.append(InputRow(name, context, digests, counts, _warning(context, name, digests)))
    return rows


def _inputs(run: Run) -> dict[tuple[str, str], Any]:
    recorded = run.inputs.dataset_inputs if run.inputs else []
    return {
        (next((tag.value for tag in entry.tags if tag.key == _CONTEXT), ""), entry.dataset.name): entry.dataset
        for entry in recorded
    }


def _profile(text: str | None) -> str:
    try:
        profile = parse_json(text or "{}", "the profile of a data set")
    except ValueError:
        return text or ""
    if not isinstance(profile, dict):
        return str(profile)
    return ", ".join(f"{key} {value}" for key, value in profile.items() if value is not None)


def _warning(context: str, name: str, digests: Sequence[str | None]) -> str:
    if len({*digests}) < 2:
        return ""
    where = f"{context} data {name}" if context else f"data {name}"
    what = "was not read by all runs" if None in digests else "does not have the same content in all runs"
    return f"The {where} {what}: {_CONSEQUENCES.get(context, 'their metrics may not be comparable')}."
