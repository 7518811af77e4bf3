"""Flicker of a translated video: the difference of a frame to the previous one, warped by the input's motion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.motion import Motion

Frame = NDArray[np.float32]

_LEAST_CONTRAST = 1e-4  # avoids a division by 0 for flat images


def warped_difference(before: Frame, now: Frame, motion: Motion) -> float:
    """Return the mean of |now - warp(before)| over the pixels that are visible in both frames; 0 if there are none.

    The temporal error of video style transfer (Ruder et al. 2016, arXiv:1604.08610; Lai et al. 2018,
    arXiv:1808.00449), with absolute instead of squared differences.

    Args:
        before: (H, W) in [0, 1].
        now: Same shape.
        motion: Motion of the input from ``before`` to ``now``.
    """
    seen = motion.seen
    return float(np.abs(now - motion.warp(before))[seen].mean()) if seen.any() else 0.0


@dataclass
class Flicker:
    """Flicker of one video: sums of the differences and contrasts of its frame pairs.

    Attributes:
        difference: Sum of warped differences.
        contrast: Sum of the frames' standard deviations.
    """

    difference: float = 0.0
    contrast: float = 0.0

    def add(self, before: Frame, now: Frame, motion: Motion) -> None:
        """Add one pair of frames; see :func:`warped_difference`."""
        self.difference += warped_difference(before, now, motion)
        self.contrast += float(now.std())

    @property
    def value(self) -> float:
        """Mean warped difference over the mean contrast, so that low contrast does not lower it."""
        return self.difference / max(self.contrast, _LEAST_CONTRAST)
