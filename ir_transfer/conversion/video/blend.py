"""The frame before, moved along the optical flow, blended into the present one: what flickers averages out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.motion import Motion

Gray = NDArray[np.float32]

_SHARE = 0.95  # with 0.85 a clean clip of smooth surfaces still flickered up to 2.5 times its input
_TOLERANCE = 0.06  # of the luma: several times a camera's noise, less than an object's contrast


def blend(luma_before: Gray, output_before: Gray, luma: Gray, output: Gray, motion: Motion) -> Gray:
    """Return the output with the one before blended in, where a pixel was seen before and still looks alike.

    Args:
        luma_before: Of the input's frame before, (H, W) in [0, 1].
        output_before: As it was returned for the frame before.
        luma: Of the input's present frame.
        output: Its translation.
        motion: Of the input, from the frame before to the present one.
    """
    change = luma - motion.warp(luma_before)
    if motion.seen.any():
        change -= np.median(change[motion.seen])  # exposure that hunts moves all alike
    alike = np.exp(-((cv2.blur(change, (3, 3)) / _TOLERANCE) ** 2))
    share = np.where(motion.seen, _SHARE * alike, 0)
    # What is moved with every frame blurs more each time if it is sampled linearly, and rings more each time if it is
    # sampled by cubics: half of each holds the balance.
    moved = (motion.warp(output_before) + motion.warp(output_before, sharp=True)) / 2
    mixed = (1 - share) * output + share * moved
    blended: Gray = mixed.clip(0, 1).astype(np.float32)
    return blended
