"""The pictures that a run read, as MLflow notes them: names, counts and a digest of the content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.json_files import json_text

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput


@dataclass(frozen=True)
class RunInput:
    """Pictures that a run read.

    Attributes:
        name: Short name.
        context: ``training``, ``validation`` or ``evaluation``.
        root: Their folder.
        files: All of them, below the root or not.
        facts: What else to say: card, band, counts.
    """

    name: str
    context: str
    root: Path
    files: Sequence[Path]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return what is noted of it, as JSON takes it; reads every file.

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
    """Return eight hexadecimal digits of the names and bytes of files, in whatever order they come.

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
    """Return a data set's summary as an input of an MLflow run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    noted = Dataset(
        name=summary["name"],
        digest=summary["digest"],
        source_type="local",
        source=json_text({"uri": summary["root"]}),
        profile=json_text(summary["profile"]),
    )
    return DatasetInput(noted, [InputTag("mlflow.data.context", summary["context"])])
