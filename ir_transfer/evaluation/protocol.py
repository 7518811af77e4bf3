"""Protocols: versioned files with the settings that make tables comparable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import MEASURED, CompositeSettings
from ir_transfer.resources import bundled_names, yaml_file
from ir_transfer.yaml_fields import fill, read_mapping

_FOLDER = "evaluation/protocols"


@dataclass(frozen=True)
class Protocol:
    """Settings of a comparison.

    Attributes:
        name: As in the file's name.
        version: Increased by every change that affects values.
        summary: One line.
        exemplar: Policy that chooses the exemplars; ``any`` leaves it to the caller.
        band: Band of the infrared images.
        max_side: Larger images are reduced to this side in pixels; None measures them unchanged.
        polarity: Polarity of the infrared files; black-hot ones are inverted before anything is measured.
        split: Folder below the data root that is measured, if it exists; None measures the root.
        border: Number of pixels ignored on each side.
        seed: Seed of the bootstrap, and of stochastic models.
        leave_out: Columns that are not measured.
        composite: Network, heat and constants of the composite.
    """

    name: str
    version: int
    summary: str = ""
    exemplar: Literal["fixed", "nearest", "oracle", "any"] = "any"
    band: Literal["lwir", "mwir", "swir", "nir", "any"] = "any"
    max_side: int | None = None
    polarity: Literal["white-hot", "black-hot"] = "white-hot"
    split: str | None = None
    border: int = 0
    seed: int = 0
    leave_out: list[str] = field(default_factory=list)
    composite: CompositeSettings = MEASURED

    @property
    def title(self) -> str:
        """Name and version, to cite with values."""
        return f"protocol {self.name} version {self.version}" if self.version else "no protocol"

    def changed_title(self, changes: Sequence[str]) -> str:
        """Return the title with a description of the changes made to the protocol."""
        return self.title + (f" (changed: {', '.join(changes)})" if changes else "")

    @property
    def columns(self) -> list[str]:
        """Keys of the columns to measure."""
        return [key for key in COLUMNS if key not in self.leave_out]

    def root(self, data: Path) -> Path:
        """Return the folder to measure: the split below a data root if it exists, else the root."""
        split = data / self.split if self.split else data
        return split if split.is_dir() else data


NONE = Protocol("none", 0, "the flags alone")
"""The settings without a protocol."""


def list_protocols() -> list[str]:
    """Return the names of the protocols in this package."""
    return bundled_names(_FOLDER)


def load_protocol(source: str) -> Protocol:
    """Read a protocol by its name in this package, or from a file.

    Raises:
        UnknownNameError: No such name, or an unknown key or column in the file; the message has the closest ones.
        MissingFileError: No such file.
        InputError: Not a YAML mapping, a value of the wrong type or out of range.
    """
    path = yaml_file(source, _FOLDER, "protocol")
    raw = read_mapping(path, "protocol", f"{', '.join(list_protocols())} are bundled")
    return _checked(fill(Protocol, raw, str(path)), path)


def _checked(protocol: Protocol, path: Path) -> Protocol:
    for key in protocol.leave_out:
        if key not in COLUMNS:
            raise UnknownNameError.among(f"column in {path}: leave_out", key, COLUMNS)
    smallest = {"version": 1, "border": 0, "seed": 0, "max_side": 64}
    for key, least in smallest.items():
        value = getattr(protocol, key)
        if value is not None and value < least:
            raise InputError(f"expected {path}: {key} to be at least {least}, got {value}")
    protocol.composite.check(f"{path}: composite")
    return protocol
