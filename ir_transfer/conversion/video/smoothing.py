"""Temporal smoothing of a clip: of a network's global statistics, and of its outputs along the optical flow."""

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.imaging.motion import Motion
from ir_transfer.nn.moments import Moments, Statistics

Gray = NDArray[np.float32]
"""An image (H, W) in [0, 1]."""

_BLOCKS, _BINS, _KEPT_DISTANCES = 4, 16, 8
_LEAST_CUT, _CUT_FACTOR = 0.05, 4.0
_DARK = 1 / 255
_INTERVAL = 0.199  # of the time constant: just below a fifth, so that rounded times still reach it
_PREVIOUS_SHARE = 0.95  # with 0.85 a clean clip of smooth surfaces still flickered up to 2.5 times its input
_TOLERANCE = 0.06  # of the luma: several times a camera's noise, less than the contrast of objects


class CutDetector:
    """Detects cuts from the histograms of 4 x 4 blocks of the luma.

    The distance of two frames is the mean over the blocks of the area between their cumulative histograms: the mean
    change of the luma, as a share of twice the frame's mean. A cut is a distance above 0.05 and above 4 times the
    median of the last eight distances, so that fast pans and hunting exposure are not taken for cuts.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float64] | None = None
        self._distances: list[float] = []

    def __call__(self, luma: NDArray[np.float32]) -> bool:
        """Return whether this frame (H, W) in [0, 1] begins a new shot, as the first frame does."""
        now = _cumulative(luma)
        before, self._before = self._before, now
        if before is None:
            return True
        distance = float(np.abs(now - before).mean())
        usual = float(np.median(self._distances)) if self._distances else 0.0
        cut = distance > max(_LEAST_CUT, _CUT_FACTOR * usual)
        self._distances = [] if cut else [*self._distances, distance][-_KEPT_DISTANCES:]
        return cut

    def tensors(self) -> dict[str, Tensor]:
        """Return the state for a resumed run: histograms (16, 16) of the last frame, distances (n,) of the shot."""
        if self._before is None:
            return {}
        return {"cut.before": torch.from_numpy(self._before), "cut.distances": torch.tensor(self._distances).double()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that :meth:`tensors` returned."""
        if "cut.before" in tensors:
            self._before = tensors["cut.before"].numpy()
            self._distances = tensors["cut.distances"].tolist()


def _cumulative(luma: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cumulative histograms (16, 16) of 4 x 4 blocks of the luma, relative to twice its mean."""
    bins = (luma / max(2 * float(luma.mean()), _DARK) * _BINS).astype(np.int64).clip(0, _BINS - 1)
    blocks = [block for rows in np.array_split(bins, _BLOCKS) for block in np.array_split(rows, _BLOCKS, axis=1)]
    return np.stack([np.bincount(block.ravel(), minlength=_BINS).cumsum() / block.size for block in blocks])


class StatisticsSmoother:
    """Exponential moving average of a model's content statistics.

    Moments are averaged as pixel populations: the result is the statistics of one large image, in which the share of
    a frame decays by exp(-dt / seconds). A shot starts with the plain mean of its frames, as long as that gives a new
    frame the larger share.

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
            measure: Returns the statistics of the frame. It is called only five times per time constant, since it
                costs as much as half a translation and faster changes are averaged out.
            time: Time of the frame in seconds.
            cut: Whether the frame begins a new shot, which resets the average.
        """
        if cut or self._average is None:
            self._average, self._count, self._time = measure(), 1, time
        elif time - self._time >= self._seconds * _INTERVAL:
            self._count += 1
            share = max(1 - math.exp((self._time - time) / self._seconds), 1 / self._count)
            self._average, self._time = self._average.mixed(measure(), share), time
        return self._average

    def tensors(self) -> dict[str, Tensor]:
        """Return the state for a resumed run: count and time (2,), and count (1,), mean, scatter, span of each layer.

        Mean, scatter and the span, if there is one, have the shapes of :class:`~ir_transfer.nn.moments.Moments`.
        """
        if self._average is None:
            return {}
        kept = {"smooth.state": torch.tensor([self._count, self._time], dtype=torch.float64)}
        for place, moments in self._average.places.items():
            kept[f"smooth.count/{place}"] = torch.tensor([moments.count], dtype=torch.float64)
            kept[f"smooth.mean/{place}"] = moments.mean
            kept[f"smooth.scatter/{place}"] = moments.scatter
            if moments.span is not None:
                kept[f"smooth.span/{place}"] = moments.span
        return kept

    def restore(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Restore the state that :meth:`tensors` returned."""
        if "smooth.state" not in tensors:
            return
        count, self._time = tensors["smooth.state"].tolist()
        self._count = int(count)
        layers = [key.partition("/")[2] for key in tensors if key.startswith("smooth.count/")]
        self._average = Statistics(
            {
                layer: Moments(
                    tensors[f"smooth.count/{layer}"].item(),
                    tensors[f"smooth.mean/{layer}"].to(device),
                    tensors[f"smooth.scatter/{layer}"].to(device),
                    tensors[f"smooth.span/{layer}"].to(device) if f"smooth.span/{layer}" in tensors else None,
                )
                for layer in layers
            }
        )


def blend(luma_before: Gray, output_before: Gray, luma: Gray, output: Gray, motion: Motion) -> Gray:
    """Blend the motion-compensated previous output into the current one where the luma agrees, to reduce flicker.

    Args:
        luma_before: Luma of the previous input frame, (H, W) in [0, 1].
        output_before: What was returned for the previous frame.
        luma: Luma of the current input frame.
        output: Its translation.
        motion: Motion of the input from the previous to the current frame.
    """
    change = luma - motion.warp(luma_before)
    if motion.seen.any():
        change -= np.median(change[motion.seen])  # hunting exposure changes all pixels alike
    alike = np.exp(-((cv2.blur(change, (3, 3)) / _TOLERANCE) ** 2))
    share = np.where(motion.seen, _PREVIOUS_SHARE * alike, 0)
    # Repeated linear sampling blurs more with every frame and repeated cubic sampling rings more: their mean does
    # neither.
    moved = (motion.warp(output_before) + motion.warp(output_before, sharp=True)) / 2
    mixed = (1 - share) * output + share * moved
    blended: Gray = mixed.clip(0, 1).astype(np.float32)
    return blended
