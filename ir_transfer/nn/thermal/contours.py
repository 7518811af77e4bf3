"""Contours: gives the blurred thermal map the contours of the regions that the content encoder recognises.

A network that was trained on pairs with registration errors of several pixels predicts people with a glow around them.
The map decides which side of a contour is warmer, and by how much; the class probabilities decide where the contour is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.precision import full_precision
from ir_transfer.nn.thermal.regions import OBJECTS, Regions

_AROUND = 15  # cells: side of the window of both sides' means
_BLUR = 9  # cells: width of the map's own contours
_STEEPNESS = 3.0  # of the contour, over that of the probability
_KNOWN = 0.05  # share of a window from which a side's mean is reliable
_LEAST = 1e-4


def steepened(thermal: Tensor, regions: Regions) -> Tensor:
    """Return the map with steep contours of regions: ``z + sum_c d_c (s_c - mean(s_c))``.

    s_c is a steep version of the probability of region c, its mean is over the width of the map's contours, and d_c is
    the difference of the map's means inside and outside the region around each position, for people, two-wheelers and
    vehicles only if they are warmer. Areas far from a contour do not change.

    Args:
        thermal: White-hot map (B, 1, h, w) of the encoder's image, in float32, in any range.
        regions: Of the same cells.
    """
    with full_precision(thermal):
        return thermal + _added(thermal, regions.shares.to(thermal))


def _added(thermal: Tensor, shares: Tensor) -> Tensor:
    inside, outside = (2 * shares - 1).clamp(min=0) + _LEAST, (1 - 2 * shares).clamp(min=0) + _LEAST
    means = box_mean(torch.cat([inside, outside, inside * thermal, outside * thermal], dim=1), _AROUND)
    within, without, warmth, surroundings = means.chunk(4, dim=1)
    known = (within / _KNOWN).clamp(max=1) * (without / _KNOWN).clamp(max=1)
    difference = known * (warmth / within - surroundings / without)
    difference = torch.cat([difference[:, :OBJECTS].clamp(min=0), difference[:, OBJECTS:]], dim=1)
    steep = (_STEEPNESS * (shares - 0.5) + 0.5).clamp(0, 1)
    return (difference * (steep - box_mean(steep, _BLUR))).sum(1, keepdim=True)
