"""Measures flicker on some pairs of frames while a clip is translated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.video.options import FlickerReport
from ir_transfer.imaging.motion import Motion
from ir_transfer.metrics.flicker import Flicker

Gray = NDArray[np.float32]

_FRAMES_PER_PAIR = 25  # frames of a pair may be translated twice: at most a twelfth more work
_MOST_PAIRS, _FEWEST_PAIRS = 16, 2
_UNKNOWN_LENGTH = _FRAMES_PER_PAIR * _MOST_PAIRS


@dataclass(frozen=True)
class ProbedFrame:
    """A frame in three states, each (H, W) in [0, 1].

    Attributes:
        luma: Of the input.
        output: As it is written.
        alone: Translated on its own.
    """

    luma: Gray
    output: Gray
    alone: Gray


class FlickerProbe:
    """Adds up the flicker of pairs of frames that are spread evenly over the clip.

    Args:
        count: Frames to expect; 0 if that is not known.
    """

    def __init__(self, count: int) -> None:
        count = count or _UNKNOWN_LENGTH
        pairs = min(max(count // _FRAMES_PER_PAIR, _FEWEST_PAIRS), _MOST_PAIRS)
        self._seconds = {max(1, int((pair + 0.5) * count / pairs)) for pair in range(pairs)}
        self._before: ProbedFrame | None = None
        self._pairs = 0
        self._flicker = [Flicker(), Flicker(), Flicker()]

    def wants(self, index: int) -> bool:
        """Return whether frame ``index`` belongs to a pair."""
        return index in self._seconds or index + 1 in self._seconds

    def ends_pair(self, index: int) -> bool:
        """Return whether frame ``index`` is compared with the one before, so that their motion is needed."""
        return index in self._seconds and self._before is not None

    def add(self, index: int, looks: ProbedFrame, motion: Motion | None) -> None:
        """Take in a frame of a pair; a pair without motion (a cut, a damaged frame) is left out."""
        before, self._before = self._before, looks
        if before is None or motion is None or index not in self._seconds:
            return
        self._pairs += 1
        pairs = ((before.luma, looks.luma), (before.output, looks.output), (before.alone, looks.alone))
        for flicker, (first, second) in zip(self._flicker, pairs, strict=True):
            flicker.add(first, second, motion)

    def skip(self) -> None:
        """Say that the next frame does not follow the one before."""
        self._before = None

    @property
    def sums(self) -> list[float]:
        """What must be kept to go on later."""
        return [self._pairs, *(value for f in self._flicker for value in (f.difference, f.contrast))]

    def restore(self, sums: Sequence[float]) -> None:
        """Go on from :attr:`sums`; a pair that was cut in two is left out."""
        self._pairs = int(sums[0])
        self._flicker = [Flicker(*sums[start : start + 2]) for start in (1, 3, 5)]

    def report(self) -> FlickerReport | None:
        """Return what was found; None without a pair."""
        if not self._pairs:
            return None
        return FlickerReport(self._pairs, *(flicker.value for flicker in self._flicker))
