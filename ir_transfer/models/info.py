"""What a model declares about itself. Free of torch, so that listing models is instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SMALLEST_SIDE = 16
"""Least height and width of an image in pixels."""
Tiling = Literal["overview", "exact", "passes", "pointwise", "none"]


def no_sliders(model: str) -> str:
    """Return what to say to layer weights for a model that has no sliders for them."""
    return f"expected no layer weights for model {model!r}, which has no sliders: leave them out, or take adjustable"


@dataclass(frozen=True)
class TileNeeds:
    """What tiles must bring so that they equal the whole.

    Attributes:
        features: Pixels beyond a tile's own part that its features, and so its statistics, depend on.
        output: Pixels beyond a tile's own part that its output depends on.
        multiple: The corners of that part must lie on multiples of this, or on the picture's border.
        bytes_per_pixel: Memory that translating takes at its height, for each pixel of a tile with its surroundings
            (float32, measured on a CPU).
        fixed_bytes: Memory that an image takes besides, whatever its size.
    """

    features: int
    output: int
    multiple: int
    bytes_per_pixel: int
    fixed_bytes: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """A model's declared facts: nothing about a model is guessed from its name.

    Attributes:
        name: Name in the registry.
        summary: One line for ``ir-transfer models``.
        paper: Authors, year and arXiv number; empty for a baseline.
        bands: Infrared bands it has weights for, for example ``("lwir", "nir")``.
        out_channels: Channels of its output by default.
        size_multiple: Sides are padded to this multiple inside the model and cropped again.
        tiling: ``"overview"`` if the model looks at the whole image reduced, so that any part of it can be translated
            by itself; ``"exact"`` if the model takes :class:`Statistics` from outside, so that tiles equal the whole;
            ``"passes"`` if these depend on the style and on each other, so that they take several passes;
            ``"pointwise"`` if no pixel depends on another; ``"none"`` if it must see the whole picture.
        controls: Controls it takes beyond the exemplar: ``"strength"``, ``"style-weights"``, ``"masks"``
            (label maps), ``"spatial"`` (a mask per exemplar).
        weights: Names of the weights that ship; the first is the default. Empty if it needs none.
        needs_weights: Whether it has parameters that must be trained.
        iterative: Whether it searches for every picture step by step, which takes a hundred times as long as one pass.
        target: ``"module:Class"`` of the implementation, imported only when a model is made.
    """

    name: str
    summary: str
    paper: str
    target: str
    bands: tuple[str, ...] = ("lwir", "nir")
    out_channels: int = 1
    size_multiple: int = 1
    tiling: Tiling = "none"
    controls: tuple[str, ...] = ("strength",)
    weights: tuple[str, ...] = ()
    needs_weights: bool = True
    iterative: bool = False
