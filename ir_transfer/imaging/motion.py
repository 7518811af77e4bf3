"""Motion between two frames: dense optical flow, warping, and a mask of consistent flow."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """Backward flow from a frame to the previous one.

    Attributes:
        flow: (H, W, 2) in pixels: pixel (x, y) was at (x, y) + flow[y, x] in the previous frame.
        seen: (H, W) bool: whether the pixel is visible in the previous frame, that is, forward and backward flow agree
            and the position is inside the image.
    """

    flow: Frame
    seen: NDArray[np.bool_]

    def warp(self, before: Frame, *, sharp: bool = False) -> Frame:
        """Return the previous frame (H, W) warped to the current one; undefined where not ``seen``.

        Args:
            before: The previous frame, of any values.
            sharp: Whether to interpolate bicubically, which may overshoot, instead of linearly, which blurs.
        """
        return _sample(before, self.flow, cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR)


def estimate_motion(before: Frame, now: Frame) -> Motion:
    """Estimate the motion between two gray frames.

    Dense inverse search (Kroeger et al. 2016, arXiv:1603.03590) in both directions; a pixel counts as seen where
    |f + b|^2 < 0.01 (|f|^2 + |b|^2) + 0.5 (Sundaram, Brox and Keutzer 2010, as Ruder et al. 2016, arXiv:1604.08610).

    Args:
        before: The previous frame (H, W) in [0, 1], sides >= 16.
        now: The current frame, of the same shape.
    """
    first, second = (np.rint(frame * 255).clip(0, 255).astype(np.uint8) for frame in (before, now))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.asarray(search.calc(second, first, None), np.float32)  # type: ignore[call-overload]  # None: no start
    there = np.asarray(search.calc(first, second, None), np.float32)  # type: ignore[call-overload]
    back = _sample(there, flow)
    gap = ((flow + back) ** 2).sum(axis=2)
    agrees = gap < 0.01 * ((flow**2).sum(axis=2) + (back**2).sum(axis=2)) + 0.5
    x, y = _grid(flow)
    height, width = now.shape
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return Motion(flow, agrees & inside)


def _grid(flow: Frame) -> tuple[Frame, Frame]:
    y, x = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    return x + flow[..., 0], y + flow[..., 1]


def _sample(image: Frame, flow: Frame, interpolation: int = cv2.INTER_LINEAR) -> Frame:
    x, y = _grid(flow)
    return np.asarray(cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE), np.float32)
