"""Protocols: what must be equal for two tables to be comparable, in a versioned file that a figure is quoted with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import MEASURED, CompositeSettings
from ir_transfer.resources import resource
from ir_transfer.yaml_fields import fill, read_mapping

_FOLDER = "evaluation/protocols"


@dataclass(frozen=True)
class Protocol:
    """How a table is made.

    Attributes:
        name: As in the file's name.
        version: Raised by every change that moves a figure.
        summary: One line.
        exemplar: Policy by which a scene gets its exemplar; ``any`` leaves it to the caller.
        band: Of the infrared pictures.
        max_side: Larger pictures are reduced to it; None measures them as they are.
        polarity: Of the infrared files; black-hot ones are inverted before anything is measured.
        split: Folder below the data root that is measured where there is one; None takes the root.
        border: Pixels on each side that do not count.
        seed: Of the resamplings, and of models that draw.
        leave_out: Columns that make no sense here.
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
        """How a figure is quoted."""
        return f"protocol {self.name} version {self.version}" if self.version else "no protocol"

    @property
    def columns(self) -> list[str]:
        """Keys of the columns to measure."""
        return [key for key in COLUMNS if key not in self.leave_out]

    def root(self, data: Path) -> Path:
        """Return the folder to measure below a data root: the split where there is one, else the root."""
        split = data / self.split if self.split else data
        return split if split.is_dir() else data


NONE = Protocol("none", 0, "the flags alone")
"""What holds without a protocol."""


def list_protocols() -> list[str]:
    """Return the names of the protocols that ship."""
    return sorted(path.stem for path in resource(_FOLDER).glob("*.yaml"))


def load_protocol(source: str) -> Protocol:
    """Read a protocol: the name of one that ships, or a file.

    Raises:
        UnknownNameError: No such name, or an unknown key or column in the file; the message has the closest ones.
        MissingFileError: No such file.
        InputError: Not a YAML mapping, a value of the wrong type or out of range.
    """
    path = Path(source)
    if path.suffix not in {".yaml", ".yml"}:
        if source not in list_protocols():
            raise UnknownNameError.among("protocol", source, list_protocols())
        path = resource(f"{_FOLDER}/{source}.yaml")
    raw = read_mapping(path, "protocol", f"{', '.join(list_protocols())} ship")
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
