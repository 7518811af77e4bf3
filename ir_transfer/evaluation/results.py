"""The results of a comparison: metrics of every method with their bootstrap, and its best and worst scenes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.evaluation.bootstrap import Estimate, SceneBootstrap, Score
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import MEASURED, CompositeSettings
from ir_transfer.evaluation.distribution_bootstrap import PatchFile
from ir_transfer.evaluation.scene_metrics import MetricValues
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.models.polarity import Polarity

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


GROUND_TRUTH = "truth"
"""Row of the ground-truth infrared images: their own values of the metrics that need no reference."""


@dataclass
class Results:
    """The results of a comparison.

    Attributes:
        estimates: Metrics with their bootstrap by method and column; a column that does not apply is absent.
        per_scene: Values by method, column and scene.
        outputs: Images (H, W) by method and scene with the first exemplar, of the scenes to keep.
        exemplars: Names of the exemplars by scene.
        polarities: Assumed polarity of the exemplars, by name.
        validity: For scenes with invalid pixels: the valid share, the largest valid rectangle, and the columns that
            could not be computed.
        cases: Best and worst scenes of every method.
        composite: Settings of the composite.
    """

    estimates: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    per_scene: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    exemplars: dict[str, list[str]] = field(default_factory=dict)
    polarities: dict[str, Polarity] = field(default_factory=dict)
    validity: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: Cases = field(default_factory=Cases)
    composite: CompositeSettings = MEASURED

    @property
    def scores(self) -> dict[str, dict[str, Score]]:
        """Metrics with their 95% intervals by method and column."""
        return {label: {key: e.score for key, e in row.items()} for label, row in self.estimates.items()}


class MethodValues:
    """Values of one method as they are measured: column -> stem -> [(value, weight) of each exemplar].

    Attributes:
        patches: Patch features of all its images.
    """

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        self.patches = PatchFile()

    def add(self, stem: str, values: MetricValues) -> None:
        """Add the values of a scene with one exemplar; values of weight 0 are ignored."""
        for column, (value, weight) in values.items():
            if weight:
                self._values[column][stem].append((value, weight))

    def per_scene(self) -> dict[str, dict[str, float]]:
        """Return values by column and scene, averaged over exemplars."""
        return {
            column: {stem: float(np.mean([value for value, _ in found])) for stem, found in by_stem.items()}
            for column, by_stem in self._values.items()
        }

    def estimates(self, stems: Sequence[str], bootstrap: SceneBootstrap) -> dict[str, Estimate]:
        """Return weighted means over scenes, by column.

        Args:
            stems: All scenes, in the order of the bootstrap.
            bootstrap: Resamplings of the scenes.
        """
        found = {}
        for column, values in self.per_scene().items():
            weights = [self._values[column][stem][0][1] if stem in values else 0.0 for stem in stems]
            estimate = bootstrap.mean([values.get(stem, 0.0) for stem in stems], weights)
            if estimate is not None:
                found[column] = estimate
        return found
