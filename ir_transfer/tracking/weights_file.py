"""The header of a weights file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.json_files import parse_json


@dataclass(frozen=True)
class WeightsFile:
    """A weights file with its header.

    Attributes:
        path: The file.
        sha256: Digest of its bytes; manifests have the first 16 digits.
        metadata: Strings of the header.
    """

    path: Path
    sha256: str
    metadata: Mapping[str, str]

    @property
    def model(self) -> str:
        """Name of its model."""
        return self.metadata.get("model", "")

    @property
    def band(self) -> str:
        """Band of the header or of the recipe; empty if neither has one."""
        return str(self.metadata.get("band") or self.recipe.get("data", {}).get("band") or "")

    @property
    def recipe(self) -> dict[str, Any]:
        """Recipe of the training; empty if the file has none."""
        return dict(parse_json(self.metadata.get("recipe", "{}"), str(self.path)))

    @property
    def scores(self) -> dict[str, float]:
        """Validation metrics of the training."""
        found: dict[str, float | None] = parse_json(self.metadata.get("scores", "{}"), str(self.path))
        return {name: float("nan") if score is None else score for name, score in found.items()}

    @classmethod
    def read(cls, path: Path) -> WeightsFile:
        """Read the header of a weights file.

        Raises:
            MissingFileError: No such file.
            WeightsError: Not a weights file of this package.
        """
        if not path.is_file():
            raise MissingFileError(f"expected a weights file at {path}, found none: check the path")
        try:
            with safe_open(path, framework="np") as file:
                metadata = dict(file.metadata() or {})
        except SafetensorError as error:
            raise WeightsError(f"expected {path} to be a .safetensors file, got: {error}: download it again") from error
        if metadata.get("kind") != "weights":
            raise WeightsError(
                f"expected {path} to hold weights of ir-transfer, got {metadata.get('kind', 'no kind')!r}"
            )
        return cls(path, hashlib.sha256(path.read_bytes()).hexdigest(), metadata)
