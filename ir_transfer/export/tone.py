"""Tone measurement and curve with operations that all runtimes support: no loop over images, no ``searchsorted``."""

from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.export.overview import as_tensor, sizes_of
from ir_transfer.nn.thermal.tone import CURVE_SHARE, KNOTS, LEAST_STEP, SAMPLE, STEEPEST, Tone, knot_ranks


def traced_sample(images: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return the values (N,) at the grid positions that :func:`~ir_transfer.nn.thermal.tone.tone_of` uses.

    Args:
        images: The upper rows (1, 1, h, W) of an image, or all of them.
        height: Height of the whole image, an integer tensor ().
        width: Width of the whole image, an integer tensor ().
    """
    step = torch.div(height * width, SAMPLE, rounding_mode="floor").to(torch.float32).sqrt().floor().to(torch.int64)
    step = step.clamp(min=1)
    start = torch.div(step, 2, rounding_mode="floor")
    rows, columns = (torch.arange(start, size, step) for size in sizes_of(images))  # type: ignore[call-overload]
    return images[0, 0].index_select(0, rows).index_select(1, columns).flatten()


def traced_tone_of(values: Tensor) -> Tone:
    """Return the tone of values (N,)."""
    ordered = values.sort().values
    last = as_tensor(values.shape[0]) - 1
    place = knot_ranks() * last.to(torch.float32)
    lower = place.floor()
    upper = torch.minimum(lower.to(torch.int64) + 1, last)
    below, above = ordered.index_select(0, lower.to(torch.int64)), ordered.index_select(0, upper)
    quantiles = below + (above - below) * (place - lower)
    mean = values.mean()
    deviation = (values - mean).square().mean().sqrt()
    return Tone(quantiles[None], mean[None, None], deviation[None, None])


def traced_apply_tone(images: Tensor, own: Tone, wanted: Tone) -> Tensor:
    """Return the same as :func:`ir_transfer.nn.thermal.tone.apply_tone`, for one image (1, 1, H, W)."""
    gain = wanted.deviation / own.deviation.clamp(min=LEAST_STEP)
    plain = wanted.mean + gain * (images - own.mean)
    curve = _curve(images, own.quantiles[0], wanted.quantiles[0], STEEPEST * gain[0])
    return plain + (curve - plain) * CURVE_SHARE


def _curve(images: Tensor, source: Tensor, target: Tensor, steepest: Tensor) -> Tensor:
    steps = (torch.arange(KNOTS, dtype=torch.float32) - KNOTS // 2) * LEAST_STEP
    source = source + steps  # already sorted, so the running maximum of apply_tone would change nothing
    widths = source[1:] - source[:-1]
    slopes = torch.minimum((target[1:] - target[:-1]) / widths, steepest)
    # Sums by a matrix: OpenVINO takes minutes to compile a graph of fixed size with a cumulative sum.
    values = torch.ones(KNOTS, KNOTS - 1).tril(-1) @ (slopes * widths)
    values = values + target[KNOTS // 2] - values[KNOTS // 2]
    place = torch.zeros_like(images, dtype=torch.int64)
    stride = (KNOTS - 1) // 2
    while stride:  # binary search for the last knot below each value
        place = place + stride * (source[place + stride] < images).to(torch.int64)
        stride //= 2
    return values[place] + slopes[place] * (images - source[place])
