"""The best and the worst scenes of every method; memory does not grow with the number of scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.scenes import Scene

ORDER = ("perceptual", "ms_ssim")
"""Columns that order the scenes; the first measured one is used."""

_KEPT = 2


@dataclass(frozen=True)
class Case:
    """A scene that shows a method at its best or worst.

    Attributes:
        stem: Stem of the scene.
        column: Column that ordered the scenes.
        value: Value in that column.
        shortfall: Shortfall in that column; smaller is better.
        images: ``RGB``, ``exemplar``, ``output`` and ``ground truth`` as 8-bit (H, W) or (H, W, 3).
    """

    stem: str
    column: str
    value: float
    shortfall: float
    images: Mapping[str, NDArray[np.uint8]]


@dataclass
class Cases:
    """Keeps the two best and the two worst scenes of every method; fewer where there are fewer scenes."""

    by_method: dict[str, list[Case]] = field(default_factory=dict)

    def offer(
        self, label: str, scene: Scene, output: Tensor, exemplar: Tensor, values: Mapping[str, tuple[float, float]]
    ) -> None:
        """Keep a scene if it is among the best or the worst of a method.

        Args:
            label: The method.
            scene: The scene.
            output: Output of the method (1, 1, H, W) in [0, 1].
            exemplar: The exemplar (1, 1, h, w) in [0, 1].
            values: Measured values by column.
        """
        column = next((key for key in ORDER if key in values), None)
        if column is None:
            return
        value = values[column][0]
        shortfall = COLUMNS[column].shortfall(np.array(value), None)
        assert shortfall is not None  # ORDER contains only columns with an order
        kept = self.by_method.setdefault(label, [])
        shown = {"RGB": scene.rgb, "exemplar": exemplar, "output": output, "ground truth": scene.ground_truth}
        kept.append(Case(scene.stem, column, value, float(shortfall), {name: _bytes(p) for name, p in shown.items()}))
        kept.sort(key=lambda case: case.shortfall)
        del kept[_KEPT:-_KEPT]

    def best(self, label: str) -> list[Case]:
        """Return the best scenes of a method, best first."""
        kept = self.by_method.get(label, [])
        return kept[: (len(kept) + 1) // 2]

    def worst(self, label: str) -> list[Case]:
        """Return the worst scenes of a method, worst first; none that is also among the best."""
        kept = self.by_method.get(label, [])
        return kept[(len(kept) + 1) // 2 :][::-1]


def _bytes(image: Tensor) -> NDArray[np.uint8]:
    values = (image[0].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    found: NDArray[np.uint8] = values.transpose(1, 2, 0) if len(values) == 3 else values[0]
    return found
