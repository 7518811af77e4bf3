"""A deterministic polarity classifier in place of the bundled one."""

from __future__ import annotations

import pytest
from torch import Tensor

from ir_transfer.models import polarity as module
from ir_transfer.models.polarity import Polarity


class JudgedByMean:
    """Classifies images with a mean below 0.3 as black-hot; the score is the mean minus 0.5."""

    def __call__(self, image: Tensor) -> Polarity:
        """Return the polarity of one image."""
        score = float(image.mean()) - 0.5
        return Polarity(score >= -0.2, "auto", score)


def judge_by_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the bundled classifier for one test."""
    monkeypatch.setattr(module, "shipped_detector", JudgedByMean)
