"""Automatic gain control (AGC): from measured to displayed intensity, as a separate last stage.

``linear`` is a window that is fixed for the run, and the only kind that keeps levels comparable between images. The
others adapt to each image, as cameras do.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.sensor.ranges import within

Floats = NDArray[np.float32]
Kind = Literal["linear", "percentile", "plateau", "clahe"]

_LEVELS = 65536  # finer than any converter here
_BINS = 4096


@dataclass(frozen=True)
class Agc:
    """Parameters of the mapping from measured to displayed intensity.

    Attributes:
        kind: ``linear``: ``low`` to ``high``. ``percentile``: between two percentiles of the image. ``plateau``:
            histogram equalisation with bins clipped at a plateau (Vickers 1996, Opt. Eng. 35(7), 1921). ``clahe``:
            percentiles, then contrast-limited adaptive equalisation (Zuiderveld 1994, Graphics Gems IV) on the 256
            levels of a display.
        low: Intensity that ``linear`` maps to 0.
        high: Intensity that ``linear`` maps to 1.
        tails: Share of the pixels at each end that ``percentile`` and ``clahe`` clip to 0 and 1.
        max_gain: Largest gain, averaged over the range between the tails; for all kinds but ``linear``.
        plateau: Height at which ``plateau`` clips the histogram, in units of the mean over non-empty bins. Large values
            give histogram equalisation; towards 0 every non-empty bin gets the same share.
        clip: Height at which ``clahe`` clips the histogram of a tile, in units of the mean over bins.
        tiles: Tiles along each axis, for ``clahe``.
    """

    kind: Kind = "linear"
    low: float = within(0, 1, 0.0)
    high: float = within(0, 1, 1.0)
    tails: float = within(0, 0.2, 0.005)
    max_gain: float = within(1, 1000, 8.0)
    plateau: float = within(0.001, 10_000, 2.0)
    clip: float = within(1, 100, 2.0)
    tiles: int = within(1, 64, 8)

    def apply(self, observed: Floats) -> Floats:
        """Return the displayed intensity (H, W) in [0, 1] of a measured one (H, W) in [0, 1]."""
        if self.kind == "linear":
            return _stretch(observed, (self.low + self.high) / 2, 1 / (self.high - self.low))
        levels = (np.clip(observed, 0, 1) * np.float32(_LEVELS - 1) + np.float32(0.5)).astype(np.uint16)
        counts = np.bincount(levels.ravel(), minlength=_LEVELS)
        low, high = _tails(counts, self.tails)
        span = min(1.0, self.max_gain * (high - low))
        if self.kind == "plateau":
            return np.asarray(_plateau(counts, self.plateau, span)[levels])
        shown = _stretch(observed, (low + high) / 2, span / max(high - low, 1 / _LEVELS))
        return shown if self.kind == "percentile" else _clahe(shown, self.clip, self.tiles)


def _stretch(observed: Floats, centre: float, gain: float) -> Floats:
    return np.asarray(np.clip((observed - np.float32(centre)) * np.float32(gain) + np.float32(0.5), 0, 1))


def _tails(counts: NDArray[np.int64], share: float) -> tuple[float, float]:
    """Return the intensities below and above which the given share of the pixels is."""
    total = np.cumsum(counts)
    low, high = np.searchsorted(total, [share * total[-1], (1 - share) * total[-1]], side="left")
    low = max(low, int(np.argmax(counts > 0)))
    return float(low) / (_LEVELS - 1), float(high) / (_LEVELS - 1)


def _plateau(counts: NDArray[np.int64], plateau: float, span: float) -> Floats:
    """Return the displayed intensity of every level: the cumulated clipped histogram over ``span`` centred at 0.5."""
    bins = counts.reshape(_BINS, -1).sum(1)
    kept = np.minimum(bins, plateau * bins[bins > 0].mean())
    edges = np.linspace(0, 1, _BINS + 1)
    transfer = np.concatenate([[0.0], np.cumsum(kept / kept.sum())])
    shown = np.interp((np.arange(_LEVELS) + 0.5) / _LEVELS, edges, transfer)
    return np.asarray(np.clip(0.5 + (shown - 0.5) * span, 0, 1), dtype=np.float32)


def _clahe(shown: Floats, clip: float, tiles: int) -> Floats:
    display = np.rint(shown * 255).astype(np.uint8)
    return np.asarray(cv2.createCLAHE(clip, (tiles, tiles)).apply(display), dtype=np.float32) / np.float32(255)
