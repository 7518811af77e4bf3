"""Thermal contrast by class: the apparent intensity of labelled objects is shifted, with soft edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import torch
from kornia.filters import guided_blur
from numpy.typing import NDArray

from ir_transfer.conversion.dataset.heat_rules import PARTS, HeatRule
from ir_transfer.conversion.plan import Job
from ir_transfer.data.image_io import Picture
from ir_transfer.data.labels.regions import Region

Floats = NDArray[np.float32]
RegionsOf = Callable[[Job, Picture], Sequence[Region]]

_SOFTNESS = 0.02  # of the longer side of an object's box
_EDGE = 1e-3  # variance of the luma that an edge of the object has at least


class Heat:
    """Shifts apparent intensity inside of objects; where two overlap, the stronger shift counts.

    An object with a mask is shifted inside of it. One that has only a box gets the ellipse in its box, drawn to
    the edges of the photograph by a guided filter (He, Sun and Tang 2010), so that no bright rectangle shows.

    Args:
        rules: What is shifted; the first that names a class and part counts.
        regions: Returns the objects of a job's picture.
    """

    def __init__(self, rules: Sequence[HeatRule], regions: RegionsOf) -> None:
        self._rules = rules
        self._regions = regions

    def __call__(self, intensity: Floats, job: Job, picture: Picture) -> Floats:
        """Return the shifted intensity (H, W) in [0, 1]; white-hot in, white-hot out."""
        shift = np.zeros_like(intensity)
        luma: Floats | None = None
        for region in self._regions(job, picture):
            for rule in self._rules:
                if rule.name != region.name.lower():
                    continue
                if luma is None:
                    luma = picture.gray()[0]
                soft, window = _soft_mask(region, rule.part, luma)
                there = shift[window]
                here = np.float32(rule.shift) * soft
                shift[window] = np.where(np.abs(here) > np.abs(there), here, there)
        return (intensity + shift).clip(0, 1)


def _soft_mask(region: Region, part: str | None, luma: Floats) -> tuple[Floats, tuple[slice, slice]]:
    """Return the share of each pixel in the object, in a window of the picture that holds it with its soft edges."""
    height, width = luma.shape
    left, top, right, bottom = region.box
    sigma = max(_SOFTNESS * max(right - left, bottom - top), 0.7)
    margin = int(np.ceil(4 * sigma)) + 1
    rows = slice(max(int(top) - margin, 0), min(int(np.ceil(bottom)) + margin, height))
    columns = slice(max(int(left) - margin, 0), min(int(np.ceil(right)) + margin, width))
    window = rows, columns
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return np.zeros((0, 0), np.float32), (slice(0, 0), slice(0, 0))
    y, x = (axis + np.float32(0.5) for axis in np.mgrid[window].astype(np.float32))
    if region.draw is not None:
        mask = region.mask(height, width)[window].astype(np.float32)
    else:
        mask = _drawn_to_edges(_ellipse(x, y, region.box), luma[window])
    if part is not None:
        mask = mask * _inside(x, y, region.box, PARTS[part])
    soft = cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft, np.float32), window


def _ellipse(x: Floats, y: Floats, box: tuple[float, float, float, float]) -> Floats:
    left, top, right, bottom = box
    radius = ((x - (left + right) / 2) / max((right - left) / 2, 0.5)) ** 2
    radius += ((y - (top + bottom) / 2) / max((bottom - top) / 2, 0.5)) ** 2
    return (radius <= 1).astype(np.float32)


def _inside(
    x: Floats, y: Floats, box: tuple[float, float, float, float], part: tuple[float, float, float, float]
) -> Floats:
    left, top, right, bottom = box
    across, down = (x - left) / max(right - left, 1e-6), (y - top) / max(bottom - top, 1e-6)
    return ((across >= part[0]) & (across < part[2]) & (down >= part[1]) & (down < part[3])).astype(np.float32)


def _drawn_to_edges(mask: Floats, luma: Floats) -> Floats:
    size = max(3, min(luma.shape) // 4 | 1)
    if min(luma.shape) <= size:
        return mask
    guide, given = (torch.from_numpy(np.ascontiguousarray(one))[None, None] for one in (luma, mask))
    drawn: Floats = guided_blur(guide, given, size, _EDGE)[0, 0].clamp(0, 1).numpy()
    return drawn
