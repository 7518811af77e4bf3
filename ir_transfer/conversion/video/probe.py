"""Measures flicker on pairs of consecutive frames while a clip is translated."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.video.options import FlickerReport
from ir_transfer.imaging.motion import Motion
from ir_transfer.metrics.flicker import Flicker

Gray = NDArray[np.float32]

_FRAMES_PER_PAIR = 25  # frames of a pair may be translated twice: at most a twelfth more work
_MOST_PAIRS, _FEWEST_PAIRS = 16, 2
_UNKNOWN_LENGTH = _FRAMES_PER_PAIR * _MOST_PAIRS


class FlickerProbe:
    """Accumulates the flicker of frame pairs that are spread evenly over the clip.

    Args:
        count: Expected number of frames; 0 if unknown.
    """

    def __init__(self, count: int) -> None:
        count = count or _UNKNOWN_LENGTH
        pairs = min(max(count // _FRAMES_PER_PAIR, _FEWEST_PAIRS), _MOST_PAIRS)
        self._seconds = {max(1, int((pair + 0.5) * count / pairs)) for pair in range(pairs)}
        self._before: tuple[Gray, Gray, Gray] | None = None
        self._pairs = 0
        self._flicker = [Flicker(), Flicker(), Flicker()]

    def wants(self, index: int) -> bool:
        """Return whether frame ``index`` belongs to a pair."""
        return index in self._seconds or index + 1 in self._seconds

    def ends_pair(self, index: int) -> bool:
        """Return whether frame ``index`` is compared with the previous one, so that their motion is needed."""
        return index in self._seconds and self._before is not None

    def add(self, index: int, luma: Gray, output: Gray, alone: Gray, motion: Motion | None) -> None:
        """Add a frame of a pair; a pair without motion (a cut, a damaged frame) is ignored.

        Args:
            index: Number of the frame.
            luma: Luma of the input (H, W) in [0, 1].
            output: The written output, of the same shape.
            alone: The frame translated independently.
            motion: Motion from the previous frame.
        """
        before, self._before = self._before, (luma, output, alone)
        if before is None or motion is None or index not in self._seconds:
            return
        self._pairs += 1
        for flicker, first, second in zip(self._flicker, before, self._before, strict=True):
            flicker.add(first, second, motion)

    def skip(self) -> None:
        """Discard the previous frame, since the next one does not follow it."""
        self._before = None

    @property
    def sums(self) -> list[float]:
        """State for a resumed run."""
        return [self._pairs, *(value for f in self._flicker for value in (f.difference, f.contrast))]

    def restore(self, sums: Sequence[float]) -> None:
        """Restore the state :attr:`sums`; a pair split by the interruption is left out."""
        self._pairs = int(sums[0])
        self._flicker = [Flicker(*sums[start : start + 2]) for start in (1, 3, 5)]

    def report(self) -> FlickerReport | None:
        """Return the flicker; None without a pair."""
        if not self._pairs:
            return None
        return FlickerReport(self._pairs, *(flicker.value for flicker in self._flicker))
