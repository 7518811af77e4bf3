"""Gates: minimum requirements of a network, checked at every validation in addition to its scores.

A network can have good scores even if half of its channels are dead, its effective receptive field is too small to
recognise objects, or its output is an embossed copy of the RGB image. Each gate checks one of these faults on images
of the validation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ir_transfer.evaluation.probes import RADIUS, context_reach, dead_shares
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode

DEAD_LIMIT = 0.5
"""Largest share of dead channels of a layer that is not counted as dead."""
REACH = 0.02
"""Smallest change of a pixel, as a share of the range, if everything more than 64 pixels away is replaced."""
EMBOSSING = 0.3
"""Largest magnitude of the high-pass correlation with the luma of the RGB image."""
DETAIL = 0.15
"""Smallest high-pass correlation with the ground truth."""
REFLECTED = frozenset({"nir", "swir"})
"""Bands of reflected light, whose detail resembles that of the RGB image, so that embossing is not checked."""


@dataclass(frozen=True)
class Gate:
    """Result of one check.

    Attributes:
        name: Name of the figure, as in ``gates/<name>`` of the journal.
        value: Measured value.
        low: Smallest value that passes, or None.
        high: Largest value that passes, or None.
        detail: Explanation of a failure, for the log.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is within the limits; false for NaN."""
        above = self.low is None or self.value >= self.low
        return above and (self.high is None or self.value <= self.high) and self.value == self.value

    def __str__(self) -> str:
        """Return one line with name, value, limits and, for a failure, its explanation."""
        limits = [
            f">= {self.low:g}" if self.low is not None else "",
            f"<= {self.high:g}" if self.high is not None else "",
        ]
        where = f": {self.detail}" if self.detail and not self.passed else ""
        result = "ok" if self.passed else "FAILED"
        return f"{self.name} {self.value:.4f} ({' '.join(filter(None, limits))}) {result}{where}"


def network_gates(
    model: TranslationModel, images: Sequence[Tensor], styles: Callable[[], Sequence[StyleCode]]
) -> list[Gate]:
    """Return the gates of the network itself: dead layers, and the reach of its context.

    Args:
        model: In evaluation mode.
        images: Each (1, 3, H, W) in [0, 1].
        styles: Encodes exemplars, so that their encoder is checked too; the reach is measured with the first style.
    """
    gates = [dead_gate(dead_shares(model, images, styles))]
    reach = context_reach(model, images, styles()[0])
    if reach is not None:
        detail = f"content more than {RADIUS} px away has little effect"
        gates.append(Gate("context_reach", reach, low=REACH, detail=detail))
    return gates


def dead_gate(shares: Mapping[str, float]) -> Gate:
    """Return the gate of the number of dead layers, which must be 0; the detail names the worst layers."""
    dead = sorted((name for name, share in shares.items() if share > DEAD_LIMIT), key=lambda name: -shares[name])
    worst = ", ".join(f"{name} {shares[name]:.0%}" for name in dead[:4])
    return Gate("dead_layers", float(len(dead)), high=0.0, detail=f"channels that never vary: {worst}")


def score_gates(scores: Mapping[str, Mapping[str, float]], band: str) -> list[Gate]:
    """Return the gates of the high-pass correlations of every validation set.

    Args:
        scores: Means by set and column.
        band: Band of the infrared images; embossing is not checked in those of :data:`REFLECTED`.
    """
    gates = []
    for name, columns in scores.items():
        if band not in REFLECTED and "luma_highpass" in columns:
            value = columns["luma_highpass"]
            gates.append(Gate(f"{name}/luma_highpass", value, -EMBOSSING, EMBOSSING, "it is embossed"))
        if "truth_highpass" in columns:
            detail = "its detail differs from the ground truth's"
            gates.append(Gate(f"{name}/truth_highpass", columns["truth_highpass"], low=DETAIL, detail=detail))
    return gates
