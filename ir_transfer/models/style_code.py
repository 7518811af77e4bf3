"""What a model keeps of its exemplars: a value that blends, and that is saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models import weight_files

POLARITY = "polarity"
"""Tensor of a code that is +1 for white-hot exemplars and -1 for black-hot ones; all others are statistics."""


@dataclass(frozen=True)
class StyleCode:
    """What a model keeps of its exemplars: small tensors with a leading batch dimension of 1.

    Attributes:
        model: Name of the model that prepared it.
        tensors: The code itself.
        metadata: Strings that travel with the file: weights' hash, band, polarity, description.
    """

    model: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> StyleCode:
        """Return the code on a device (and in a dtype)."""
        return StyleCode(self.model, {k: v.to(device, dtype) for k, v in self.tensors.items()}, self.metadata)

    def save(self, path: str | Path) -> None:
        """Write the code as ``.safetensors``."""
        weight_files.write(Path(path), self.tensors, {**self.metadata, "kind": "style", "model": self.model})

    @classmethod
    def load(cls, path: str | Path) -> StyleCode:
        """Read a code written by :meth:`save`.

        Raises:
            MissingFileError: No such file.
            WeightsError: The file is damaged or is no style code.
        """
        tensors, metadata = weight_files.read(Path(path), kind="style")
        if "model" not in metadata:
            raise WeightsError(f"expected {path} to say which model it belongs to, got no such key: build it again")
        return cls(metadata["model"], tensors, {k: v for k, v in metadata.items() if k not in {"kind", "model"}})

    @property
    def white_hot(self) -> bool:
        """Whether hot is bright: by the code's polarity, else by what its file declares, else yes."""
        if (polarity := self.tensors.get(POLARITY)) is not None:
            return bool((polarity > 0).all())
        return self.metadata.get("polarity") != "black-hot"

    @property
    def hash(self) -> str:
        """Hash of the code's tensors, for manifests."""
        return weight_files.tensors_hash(self.tensors)


def blend_codes(codes: Sequence[StyleCode], weights: Sequence[float]) -> StyleCode:
    """Return the weighted sum of style codes of one model (weights are normalised to sum to 1).

    Linear interpolation of the codes equals that of the transferred features, since AdaIN and WCT are
    linear in the exemplar's statistics (Huang and Belongie 2017, section 7.2). The polarity is that of the larger
    share: half of each would be a gray picture. The metadata are those of the first code.

    Raises:
        InputError: Codes of different models, as many weights as do not fit, a negative weight, or none above 0.
    """
    if len(codes) != len(weights):
        raise InputError(f"expected one weight per exemplar, got {len(weights)} weights for {len(codes)} exemplars")
    if any(w < 0 for w in weights) or not sum(weights) > 0:
        raise InputError(f"expected weights >= 0 with a positive sum, got {list(weights)}")
    shapes = [{name: tensor.shape for name, tensor in code.tensors.items()} for code in codes]
    if len({code.model for code in codes}) > 1 or any(other != shapes[0] for other in shapes):
        models = ", ".join(sorted({code.model for code in codes}))
        raise InputError(f"expected styles of one model and layout, got some of {models} that differ: build them alike")
    total = sum(weights)
    tensors = {
        name: torch.stack([code.tensors[name] * (w / total) for code, w in zip(codes, weights, strict=True)]).sum(0)
        for name in codes[0].tensors
    }
    if (polarity := tensors.get(POLARITY)) is not None:
        tensors[POLARITY] = torch.ones_like(polarity).copysign(polarity)
    return StyleCode(codes[0].model, tensors, codes[0].metadata)
