"""What may be said of the polarity of exemplar files."""

from __future__ import annotations

from typing import Literal

ExemplarPolarity = Literal["auto", "white-hot", "black-hot"]
"""``--exemplar-polarity``: how exemplar files show hot, or ``"auto"`` for the shipped classifier."""


def is_white_hot(asked: ExemplarPolarity) -> bool | None:
    """Return whether exemplar files show hot as bright; None leaves that to the classifier."""
    return None if asked == "auto" else asked == "white-hot"
