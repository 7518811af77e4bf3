"""The option for the polarity of style exemplars."""

from typing import Literal

ExemplarPolarity = Literal["auto", "white-hot", "black-hot"]
"""``--exemplar-polarity``: polarity of exemplar files, or ``"auto"`` for the bundled classifier."""


def is_white_hot(asked: ExemplarPolarity) -> bool | None:
    """Return whether exemplar files are white-hot; None if the classifier decides."""
    return None if asked == "auto" else asked == "white-hot"
