"""Statistics smoothed over time, so that a network's global look does not jump from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.nn.moments import Moments, Statistics

_BLOCKS, _BINS, _MEMORY = 4, 16, 8
_LEAST_CUT, _CUT_FACTOR = 0.05, 4.0
_DARK = 1 / 255
_INTERVAL = 0.199  # of the time constant: a fifth, however times are rounded


class CutDetector:
    """Tells cuts by the histograms of 4 x 4 blocks of the luma.

    The distance of two frames is the mean over the blocks of the area between their cumulative histograms: how far
    the luma, as a share of twice the frame's mean, moved on average. A cut is a distance above 0.05 and above 4 times
    the median of the last eight, so that neither a fast pan nor exposure that hunts is one.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float64] | None = None
        self._distances: list[float] = []

    def __call__(self, luma: NDArray[np.float32]) -> bool:
        """Return whether this frame (H, W) in [0, 1] begins a new shot; the first one does."""
        now = _cumulative(luma)
        before, self._before = self._before, now
        if before is None:
            return True
        distance = float(np.abs(now - before).mean())
        usual = float(np.median(self._distances)) if self._distances else 0.0
        cut = distance > max(_LEAST_CUT, _CUT_FACTOR * usual)
        self._distances = [] if cut else [*self._distances, distance][-_MEMORY:]
        return cut

    def tensors(self) -> dict[str, Tensor]:
        """Return what a resumed run needs: histograms (16, 16) of the last frame, distances (n,) of the shot."""
        if self._before is None:
            return {}
        return {"cut.before": torch.from_numpy(self._before), "cut.distances": torch.tensor(self._distances).double()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`tensors` returned."""
        if "cut.before" in tensors:
            self._before = tensors["cut.before"].numpy()
            self._distances = tensors["cut.distances"].tolist()


def _cumulative(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cumulative histograms (16, 16) of 4 x 4 blocks, of the luma as a share of twice its mean."""
    bins = (luma / max(2 * float(luma.mean()), _DARK) * _BINS).astype(np.int64).clip(0, _BINS - 1)
    blocks = [block for rows in np.array_split(bins, _BLOCKS) for block in np.array_split(rows, _BLOCKS, axis=1)]
    return np.stack([np.bincount(block.ravel(), minlength=_BINS).cumsum() / block.size for block in blocks])


class StatisticsSmoother:
    """Exponential moving average of a model's content statistics.

    The average is that of moments as values: the statistics of one large image in which a frame's share falls by
    exp(-dt / seconds). A shot starts as the plain mean of its frames until that is the slower of the two.

    Args:
        seconds: Time constant.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._average: Statistics | None = None
        self._count = 0
        self._time = 0.0

    def __call__(self, measure: Callable[[], Statistics], time: float, *, cut: bool) -> Statistics:
        """Return the statistics to translate a frame with.

        Args:
            measure: Returns the frame's own statistics. It is called five times per time constant only: it costs as
                much as half a translation, and what changes faster is averaged away in any case.
            time: Of this frame, in seconds.
            cut: Whether it begins a new shot, with which the average begins anew.
        """
        if cut or self._average is None:
            self._average, self._count, self._time = measure(), 1, time
        elif time - self._time >= self._seconds * _INTERVAL:
            self._count += 1
            share = max(1 - math.exp((self._time - time) / self._seconds), 1 / self._count)
            self._average, self._time = self._average.mixed(measure(), share), time
        return self._average

    def tensors(self) -> dict[str, Tensor]:
        """Return what a resumed run needs: the state (2,), and count (1,), mean and scatter of each layer.

        Mean and scatter have the shapes of :class:`~ir_transfer.nn.moments.Moments`.
        """
        if self._average is None:
            return {}
        kept = {"smooth.state": torch.tensor([self._count, self._time], dtype=torch.float64)}
        for place, moments in self._average.places.items():
            kept[f"smooth.count/{place}"] = torch.tensor([moments.count], dtype=torch.float64)
            kept[f"smooth.mean/{place}"] = moments.mean
            kept[f"smooth.scatter/{place}"] = moments.scatter
        return kept

    def restore(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what :meth:`tensors` returned."""
        if "smooth.state" not in tensors:
            return
        count, self._time = tensors["smooth.state"].tolist()
        self._count = int(count)
        places = [key.partition("/")[2] for key in tensors if key.startswith("smooth.count/")]
        self._average = Statistics(
            {
                place: Moments(
                    tensors[f"smooth.count/{place}"].item(),
                    tensors[f"smooth.mean/{place}"].to(device),
                    tensors[f"smooth.scatter/{place}"].to(device),
                )
                for place in places
            }
        )
