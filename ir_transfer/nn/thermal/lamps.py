"""Lamps in the dark: spots without edges and detail, since the contrast of light is not that of heat.

Street lamps, headlights, lit windows and their reflections have the strongest contrast of an RGB image by night. Where
the sign of detail is that of foliage or road, they would become black specks with bright rings.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.local_contrast import CELL, cell_means
from ir_transfer.nn.thermal.saturation import ramp

# Values that mean no lamp, and certainly one:
_BRIGHT = (0.8, 0.95)  # of the brightest channel, since lamps may be red or blue
_EXCESS = (0.3, 0.45)  # of the brightest channel over the luminance around it
_NIGHT = (0.5, 0.4)  # luminance of the wider surroundings, since white paint is not a lamp by day
_PEOPLE = (0.6, 0.3)  # probability of people, whose clothes may be lit

# Sides in cells:
_AROUND = 9
_WIDER = 45
_HALO = 3
_SOFT = 3  # of the mean that makes the transition gradual


def lamp_share(overview: Tensor, people: Tensor) -> Tensor:
    """Return the share of each position that small lamps, lit windows and reflections cover (B, 1, h, w), in [0, 1].

    Args:
        overview: sRGB (B, 3, H, W) in [0, 1].
        people: Probability of people at stride 4, (B, 1, h, w).
    """
    bright = F.max_pool2d(overview.to(people).amax(1, keepdim=True), CELL, ceil_mode=True)
    luma = cell_means(rgb_to_grayscale(overview.to(people)))
    lamps = ramp(bright, *_BRIGHT) * ramp(bright - box_mean(luma, _AROUND), *_EXCESS)
    lamps = lamps * ramp(box_mean(luma, _WIDER), *_NIGHT) * ramp(people, *_PEOPLE)
    return box_mean(F.max_pool2d(lamps, _HALO, 1, _HALO // 2), _SOFT)


def flattened(fit: Tensor, thermal: Tensor, lamps: Tensor) -> Tensor:
    """Return slopes and offset (B, 4, h, w) that give positions with lamps the thermal map, without edges.

    Args:
        fit: Slopes and offset (B, 4, h, w); see :func:`~ir_transfer.nn.thermal.guided_filter.fit_to_overview`.
        thermal: Thermal map (B, 1, h, w).
        lamps: See :func:`lamp_share`.
    """
    flat = torch.cat([torch.zeros_like(fit[:, :3]), thermal.to(fit)], dim=1)
    return torch.lerp(fit, flat, lamps.to(fit))


def detail_left(lamps: Tensor) -> Tensor:
    """Return the share of detail (B, 1, ceil(h / 2), ceil(w / 2)) that lamps of share (B, 1, h, w) leave."""
    return 1 - F.max_pool2d(lamps, 2, ceil_mode=True)
