"""Gates: what a network must fulfil whatever its scores are, since scores have been blind to it.

A network may score well while half of it is dead, while it sees no farther than 30 pixels and so cannot know what
things are, or while it embosses the RGB image. Each gate asks one of these questions of the validation's images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ir_transfer.evaluation.probes import RADIUS, context_reach, dead_shares
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode

DEAD_LIMIT = 0.5
"""A layer with a larger share of dead channels is dead."""
REACH = 0.02
"""Least change of a pixel, as a share of the range, if all that lies beyond 64 pixels changes."""
EMBOSSING = 0.3
"""Largest magnitude of the high-pass correlation with the RGB image's luma."""
DETAIL = 0.15
"""Least high-pass correlation with the ground truth."""
REFLECTED = frozenset({"nir", "swir"})
"""Bands that show reflected light, whose detail is the RGB image's: embossing is none there."""


@dataclass(frozen=True)
class Gate:
    """One question and its answer.

    Attributes:
        name: As in ``gates/<name>`` of the journal.
        value: What was found.
        low: Least value that passes, or None.
        high: Largest value that passes, or None.
        detail: What was found where, for the log.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is within the limits; one that is not a number is not."""
        above = self.low is None or self.value >= self.low
        return above and (self.high is None or self.value <= self.high) and self.value == self.value

    def __str__(self) -> str:
        """Return one line: name, value, limits, and what was found where."""
        limits = [
            f">= {self.low:g}" if self.low is not None else "",
            f"<= {self.high:g}" if self.high is not None else "",
        ]
        where = f": {self.detail}" if self.detail and not self.passed else ""
        verdict = "ok" if self.passed else "FAILED"
        return f"{self.name} {self.value:.4f} ({' '.join(filter(None, limits))}) {verdict}{where}"


def network_gates(
    model: TranslationModel, images: Sequence[Tensor], styles: Callable[[], Sequence[StyleCode]]
) -> list[Gate]:
    """Return the gates that ask the network itself: dead layers, and reach.

    Args:
        model: In evaluation mode.
        images: Each (1, 3, H, W) in [0, 1].
        styles: Encodes exemplars, so that their encoder is looked at too; the first one conditions the reach.
    """
    gates = [dead_gate(dead_shares(model, images, styles))]
    reach = context_reach(model, images, styles()[0])
    if reach is not None:
        gates.append(Gate("context_reach", reach, low=REACH, detail=f"what lies beyond {RADIUS} px hardly matters"))
    return gates


def dead_gate(shares: Mapping[str, float]) -> Gate:
    """Return the gate of dead layers: their number must be 0; the detail names the worst."""
    dead = sorted((name for name, share in shares.items() if share > DEAD_LIMIT), key=lambda name: -shares[name])
    worst = ", ".join(f"{name} {shares[name]:.0%}" for name in dead[:4])
    return Gate("dead_layers", float(len(dead)), high=0.0, detail=f"channels that never vary: {worst}")


def score_gates(scores: Mapping[str, Mapping[str, float]], band: str) -> list[Gate]:
    """Return the gates of the high-pass correlations of every validation set.

    Args:
        scores: Means by set and column.
        band: Of the infrared images; in :data:`REFLECTED` ones embossing is not asked for.
    """
    gates = []
    for name, columns in scores.items():
        if band not in REFLECTED and "luma_highpass" in columns:
            gates.append(Gate(f"{name}/luma_highpass", columns["luma_highpass"], -EMBOSSING, EMBOSSING, "it embosses"))
        if "truth_highpass" in columns:
            detail = "its detail is not the ground truth's"
            gates.append(Gate(f"{name}/truth_highpass", columns["truth_highpass"], low=DETAIL, detail=detail))
    return gates
