"""Style codes: encoded exemplars, which can be blended, saved and loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models import weight_files
from ir_transfer.models.polarity import blended_metadata
from ir_transfer.models.style_facts import LOOK, POLARITY

_PART = "part"
_SHARE = "share"


@dataclass(frozen=True)
class StyleCode:
    """Encoded exemplars: small tensors with a leading batch dimension of 1.

    Tensors are statistics, which are averaged over exemplars, or belong to a *part*, which holds the tensors of one
    exemplar that cannot be averaged. Those of part 0 are named ``part0.{name}``, with its ``part0.share`` (1, 1).

    Attributes:
        model: Name of the model that prepared it.
        tensors: Tensors by name.
        metadata: Strings stored in the file: weights' hash, band, polarity, description.
    """

    model: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> StyleCode:
        """Return the code on a device, and in a data type unless None."""
        return replace(self, tensors={k: v.to(device, dtype) for k, v in self.tensors.items()})

    def save(self, path: str | Path) -> None:
        """Write the code to a ``.safetensors`` file."""
        weight_files.write(Path(path), self.tensors, {**self.metadata, "kind": "style", "model": self.model})

    @classmethod
    def load(cls, path: str | Path) -> StyleCode:
        """Read a code written by :meth:`save`.

        Raises:
            MissingFileError: No such file.
            WeightsError: The file is damaged or not a style code.
        """
        tensors, metadata = weight_files.read(Path(path), kind="style")
        if "model" not in metadata:
            raise WeightsError(f"expected {path} to name its model, got no such key: build it again")
        return cls(metadata["model"], tensors, {k: v for k, v in metadata.items() if k not in {"kind", "model"}})

    @property
    def white_hot(self) -> bool:
        """Whether the style is white-hot, by the polarity tensor or else the metadata; True if neither states it."""
        if (polarity := self.tensors.get(POLARITY)) is not None:
            return bool((polarity > 0).all())
        return self.metadata.get("polarity") != "black-hot"

    @property
    def hash(self) -> str:
        """Hash of the code's tensors, for manifests."""
        return weight_files.tensors_hash(self.tensors)


def as_part(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors (B, ...) of one exemplar under the names of part 0."""
    first = next(iter(tensors.values()))
    return _named(0, {**tensors, _SHARE: first.new_ones(len(first), 1)})


def parts_of(style: Mapping[str, Tensor]) -> list[tuple[dict[str, Tensor], Tensor]]:
    """Return the tensors of every part by name, and its share (B, 1)."""
    found: list[tuple[dict[str, Tensor], Tensor]] = []
    while (prefix := f"{_PART}{len(found)}.") + _SHARE in style:
        tensors = {name.removeprefix(prefix): tensor for name, tensor in style.items() if name.startswith(prefix)}
        share = tensors.pop(_SHARE)
        found.append((tensors, share))
    return found


def _statistics(code: StyleCode) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in code.tensors.items() if not re.match(rf"{_PART}\d+\.", name)}


def _named(number: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{_PART}{number}.{name}": tensor for name, tensor in tensors.items()}


def blend_codes(codes: Sequence[StyleCode], weights: Sequence[float]) -> StyleCode:
    """Return the weighted sum of style codes of one model (weights are normalised to sum to 1).

    Linear interpolation of the codes equals that of the transferred features, since AdaIN and WCT are
    linear in the exemplar's statistics (Huang and Belongie 2017, section 7.2). The polarity is that of the larger
    share, since a mean of both would be a gray image. Parts are concatenated with their shares; those with a share of 0
    are dropped. The metadata are those of the first code, except for the polarity, its scores and the learned
    styles.

    Raises:
        InputError: Codes of different models, a wrong number of weights, a negative weight, or none above 0.
    """
    if len(codes) != len(weights):
        raise InputError(f"expected one weight per exemplar, got {len(weights)} weights for {len(codes)} exemplars")
    if any(w < 0 for w in weights) or not sum(weights) > 0:
        raise InputError(f"expected weights >= 0 with a positive sum, got {list(weights)}")
    parts, statistics = [parts_of(code.tensors) for code in codes], [_statistics(code) for code in codes]
    layouts = [
        (code.model, bool(own), {name: tensor.shape for name, tensor in summed.items()})
        for code, own, summed in zip(codes, parts, statistics, strict=True)
    ]
    if any(layout != layouts[0] for layout in layouts):
        models = ", ".join(sorted({code.model for code in codes}))
        raise InputError(
            f"expected styles of one model and layout, got some of {models} that differ: build all with one model"
        )
    total = sum(weights)
    tensors = {
        name: torch.stack([code[name] * (w / total) for code, w in zip(statistics, weights, strict=True)]).sum(0)
        for name in statistics[0]
    }
    if (polarity := tensors.get(POLARITY)) is not None:
        tensors[POLARITY] = torch.ones_like(polarity).copysign(polarity)
    kept = [(own, share * (w / total)) for group, w in zip(parts, weights, strict=True) if w for own, share in group]
    for number, (own, share) in enumerate(kept):
        tensors |= _named(number, {**own, _SHARE: share})
    metadata = {**codes[0].metadata, **blended_metadata([code.metadata for code in codes], weights)}
    if looks := dict.fromkeys(code.metadata[LOOK] for code in codes if LOOK in code.metadata):
        metadata[LOOK] = ", ".join(looks)
    return StyleCode(codes[0].model, tensors, metadata)
