"""Pseudo objects for pairs without boxes: compact regions that are hot in the true infrared picture."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_opening, uniform_filter
from skimage.measure import label, regionprops
from torch import Tensor

from ir_transfer.evaluation.metrics.object_heat import Box, hotter_than_ring, object_heat

EXCESS = 0.15
"""By how much a pixel must exceed its local mean, as a share of the range."""
CONTRAST = 0.08
"""By how much a region's frame must exceed its ring: well above what counts as hotter, so that noise cannot undo it."""
AREA = (60, 0.04)
"""Smallest region in pixels, largest as a share of the picture."""
ASPECT = (0.8, 5.0)
"""Height over width: people and car fronts, no wires, roofs or skylines."""
FILL = 0.35
"""Least share of its frame that a region fills."""


def hot_regions(truth: Tensor) -> list[Box]:
    """Return the frames of compact, locally hot regions of a true infrared picture.

    Connected pixels (after an opening by 3 x 3 that cuts thin bridges) that exceed the mean over a square of half the
    shorter side by :data:`EXCESS`, within :data:`AREA`, :data:`ASPECT` and :data:`FILL`, and hotter than their ring by
    :data:`CONTRAST`. They are people, engines and lamps, and also some sunlit trunks and walls, and nobody has checked
    them: the figure that follows is a hint, not a detector's recall.

    Args:
        truth: (1, 1, H, W) in [0, 1], white-hot.
    """
    picture = truth[0, 0].double().cpu().numpy()
    local_mean = uniform_filter(picture, size=max(min(picture.shape) // 2, 3), mode="reflect")
    hot = binary_opening(picture - local_mean > EXCESS, np.ones((3, 3)))
    frames = []
    for region in regionprops(label(hot)):
        top, left, bottom, right = region.bbox
        aspect, area = (bottom - top) / (right - left), region.area
        sized = AREA[0] <= area <= AREA[1] * picture.size and ASPECT[0] <= aspect <= ASPECT[1]
        if sized and region.extent >= FILL:
            frames.append(Box(left, top, right, bottom, "hot"))
    return [frame for frame in frames if hotter_than_ring(picture, frame, CONTRAST)]


def hot_region_share(output: Tensor, truth: Tensor) -> tuple[int, int]:
    """Return how many of the truth's hot regions are hotter than their ring in the output, and how many there are.

    Args:
        output: (1, 1, H, W) in [0, 1].
        truth: Same shape, white-hot.
    """
    return object_heat(output, hot_regions(truth))
