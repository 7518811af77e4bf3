"""Tone: a monotone curve that maps a canonical image to the exemplar's distribution of intensities."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ir_transfer.nn.moments import Moments, Statistics
from ir_transfer.nn.precision import at_least_float32

KNOTS = 33
CURVE_SHARE = 0.7
LEAST_STEP = 1e-4
STEEPEST = 3.0  # slope of the curve, relative to the gain that matches the deviations
LARGEST_STRETCH = 1.25  # of a curve whose limited slope would lower the deviation
SAMPLE = 2**14  # values of a regular grid: enough for 33 quantiles, and four times as many change results by .0005


def knot_ranks(device: torch.device | None = None) -> Tensor:
    """Return the ranks in [0, 1] of the knots (33,), spaced more closely in both tails and without the extremes."""
    even = torch.linspace(0, 1, KNOTS, device=device)
    bent = 0.5 - 0.5 * torch.cos(torch.pi * even)
    return (0.5 * even + 0.5 * bent).clamp(0.001, 0.999)


class Tone(NamedTuple):
    """A distribution of intensities.

    Attributes:
        quantiles: (B, 33) at :func:`knot_ranks`.
        mean: (B, 1).
        deviation: (B, 1).
    """

    quantiles: Tensor
    mean: Tensor
    deviation: Tensor


def tone_of(images: Tensor, weights: Tensor | None = None) -> Tone:
    """Return the tone of images (B, 1, H, W) over the positions whose weight (B or 1, 1, H, W) is above a half."""
    found = []
    for index, image in enumerate(at_least_float32(images)):
        step = max(1, math.isqrt(image.numel() // SAMPLE))
        grid = (..., slice(step // 2, None, step), slice(step // 2, None, step))
        values = image[grid].flatten()
        if weights is not None:
            counts = weights[min(index, len(weights) - 1)][grid].flatten() > 0.5
            values = values[counts] if counts.any() else values
        ordered = values.sort().values
        place = knot_ranks(ordered.device).to(ordered) * (len(ordered) - 1)
        lower = place.floor().long()
        upper = (lower + 1).clamp(max=len(ordered) - 1)
        quantiles = torch.lerp(ordered[lower], ordered[upper], place - lower)
        found.append((quantiles, values.mean()[None], values.std(correction=0)[None]))
    return Tone(*(torch.stack(values) for values in zip(*found, strict=True)))


def tone_moments(tone: Tone, count: int) -> dict[str, Moments]:
    """Return a tone over ``count`` pixels as moments by name, which average over the frames of a video."""
    spread = tone.deviation.square() * count
    return {
        "tone.quantiles": Moments(count, tone.quantiles, torch.zeros_like(tone.quantiles)),
        "tone.values": Moments(count, tone.mean, spread),
    }


def tone_from(statistics: Statistics) -> Tone:
    """Return the tone that :func:`tone_moments` stored in statistics."""
    values = statistics["tone.values"]
    deviation = (values.scatter / values.count).sqrt()
    return Tone(statistics["tone.quantiles"].mean, values.mean, deviation)


def apply_tone(images: Tensor, own: Tone, wanted: Tone) -> Tensor:
    """Return images (B, 1, H, W) with approximately the wanted tone.

    The result is 70% of the monotone curve through the quantiles, extrapolated linearly beyond the outer knots, and 30%
    of the gain and offset that match mean and deviation, since the curve alone would stretch intensities that are more
    frequent in the content than in the exemplar. The slope of the curve is at most three times that gain: where the
    exemplar has a gap in its intensities, between the ground and a cold sky, a steeper one would cut hard-edged patches
    out of the image. If this limit lowers the deviation, the whole curve is stretched around its median, by at most a
    quarter.

    Args:
        images: In any range.
        own: Tone of the whole images, of which these may be tiles.
        wanted: The exemplar's tone (B or 1).
    """
    gain = wanted.deviation / own.deviation.clamp(min=LEAST_STEP)
    plain = wanted.mean[..., None, None] + gain[..., None, None] * (images - own.mean[..., None, None])
    steepest = (STEEPEST * gain).expand(len(images), 1)
    curves = [
        _curve(image, own.quantiles[index], wanted.quantiles[min(index, len(wanted.quantiles) - 1)], limit)
        for index, (image, limit) in enumerate(zip(images, steepest, strict=True))
    ]
    return torch.lerp(plain, torch.stack(curves), CURVE_SHARE)


def deviation_of(quantiles: Tensor) -> Tensor:
    """Return the standard deviation () of a distribution with quantiles (33,) at :func:`knot_ranks`, without tails."""
    ranks = knot_ranks(quantiles.device).to(quantiles)
    shares = (ranks[1:] - ranks[:-1]) / (ranks[-1] - ranks[0])
    low, high = quantiles[:-1], quantiles[1:]
    mean = (shares * (low + high)).sum() / 2
    square = (shares * (low.square() + low * high + high.square())).sum() / 3
    return (square - mean.square()).clamp(min=0).sqrt()


def _curve(image: Tensor, source: Tensor, target: Tensor, steepest: Tensor) -> Tensor:
    # Around the middle, so that a flat image takes the wanted median.
    steps = (torch.arange(len(source), device=source.device, dtype=source.dtype) - len(source) // 2) * LEAST_STEP
    source = torch.cummax(source, 0).values + steps
    widths = source[1:] - source[:-1]
    slopes = torch.minimum((target[1:] - target[:-1]) / widths, steepest)
    rises = torch.cat([target.new_zeros(1), (slopes * widths).cumsum(0)])
    stretch = (deviation_of(target) / deviation_of(rises).clamp(min=LEAST_STEP)).clamp(1, LARGEST_STRETCH)
    slopes, rises = stretch * slopes, stretch * rises
    values = rises + target[len(target) // 2] - rises[len(target) // 2]
    place = torch.searchsorted(source, image.contiguous()).clamp(1, len(source) - 1) - 1
    found: Tensor = values[place] + slopes[place] * (image - source[place])
    return found
