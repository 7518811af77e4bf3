"""A judge of polarity that tests decide, in place of the one that ships."""

from __future__ import annotations

import pytest
from torch import Tensor

from ir_transfer.models import polarity as module
from ir_transfer.models.polarity import Polarity


class JudgedByMean:
    """Calls images black-hot whose mean is below 0.3; the score is the mean less a half."""

    def __call__(self, image: Tensor) -> Polarity:
        """Return the polarity of one image."""
        score = float(image.mean()) - 0.5
        return Polarity(score >= -0.2, "auto", score)


def judge_by_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the shipped judge for one test."""
    monkeypatch.setattr(module, "shipped_detector", JudgedByMean)
