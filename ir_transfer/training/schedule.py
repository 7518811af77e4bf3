"""When the learning rate changes and when a run has learned all it will."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ir_transfer.training.recipe import TrainingSection


def learning_rate(training: TrainingSection, step: int) -> float:
    """Return the learning rate of a step, counted from 0.

    ``plateau``: linear warm-up, constant, linear decay to zero: a run may be lengthened or cut at any checkpoint.
    ``cosine``: linear warm-up, then half a cosine to zero (Loshchilov and Hutter 2017, equation 5, one period).
    """
    warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
    if training.schedule == "cosine":
        past = max(0, step - training.warmup_steps) / max(1, training.steps - training.warmup_steps)
        return training.lr * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, past)))
    return training.lr * warm * min(1.0, (training.steps - step) / max(1, training.decay_steps))


@dataclass
class Patience:
    """Counts validations without a better one.

    Attributes:
        limit: How many are too many; None for no limit.
        best: Smallest rank so far.
        stale: Validations since then.
    """

    limit: int | None
    best: float = math.inf
    stale: int = 0

    def better(self, rank: float) -> bool:
        """Note a validation; return whether it is the best so far."""
        found = rank < self.best
        self.best = min(rank, self.best)
        self.stale = 0 if found else self.stale + 1
        return found

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.stale >= self.limit
