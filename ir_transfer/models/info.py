"""Declarations of models; this module does not import torch, so that listing models is fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tiling = Literal["overview", "exact", "passes", "pointwise", "none"]


def no_sliders_message(model: str) -> str:
    """Return the error message for layer weights of a model without sliders."""
    return f"expected no layer weights for model {model!r}, which has no sliders: leave them out, or use adjustable"


@dataclass(frozen=True)
class TileNeeds:
    """Margins and memory of tiles whose output equals that of the whole image.

    Attributes:
        features: Margin in pixels on which a tile's features, and so its statistics, depend.
        output: Margin in pixels on which a tile's output depends.
        multiple: Tiles without margins start at multiples of it in pixels, and end there or at the image's border.
        bytes_per_pixel: Peak memory per pixel of a tile with margins (float32, measured on a CPU).
        fixed_bytes: Peak memory per image, independent of its size.
    """

    features: int
    output: int
    multiple: int
    bytes_per_pixel: int
    fixed_bytes: int = 0


@dataclass(frozen=True)
class ModelInfo:
    """Declaration of a model.

    Attributes:
        name: Name in the registry.
        summary: One line for ``ir-transfer models``.
        paper: Authors, year and arXiv number; empty for a baseline.
        bands: Infrared bands with weights, for example ``("lwir", "nir")``.
        out_channels: Channels of its output by default.
        size_multiple: Sides are padded to this multiple inside the model and cropped again.
        tiling: ``"overview"`` if the model analyses the reduced image, after which any window can be translated;
            ``"exact"`` if the model accepts global statistics, so that tiles equal the whole; ``"passes"`` if these
            depend on the style and on each other, so that several passes are needed; ``"pointwise"`` if no pixel
            depends on another; ``"none"`` if it requires the whole image.
        controls: Controls besides the exemplar: ``"strength"``, ``"style-weights"``, ``"masks"``
            (label maps), ``"spatial"`` (a mask per exemplar).
        weights: Names of the bundled weights; the first is the default. Empty if it needs none.
        needs_weights: Whether it has trained parameters.
        iterative: Whether each image is optimised iteratively, which takes about 100 times as long as one pass.
        target: ``"module:Class"`` of the implementation, imported when a model is created.
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
