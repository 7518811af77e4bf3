"""Grain: the noise of the exemplar's sensor, a statistic that the translated image takes.

What is smooth in an RGB image has the noise and the compression of its camera, which are removed from the detail. A sky
without any noise would be as little that of the exemplar's camera.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.precision import at_least_float32
from ir_transfer.nn.thermal.windows import Window

PERIOD = 128
"""Side in pixels of the pattern, which is repeated."""

_BLOCK = 16  # pixels a side
_SMOOTHEST = 0.1  # share of an exemplar's blocks
_LEAST_BLOCKS = 3
_CLIPPED = (1 / 255, 254 / 255, 0.05)  # lowest and highest intensity, and largest share of a block beyond them
_BLUR = 1.0  # pixels: in eight sets of infrared images, noise of neighbouring pixels correlates at .5 to .8
_SEED = 0


def grain_deviation(images: Tensor) -> Tensor:
    """Return the deviation of the noise of infrared images (B, 1), from the smoothest tenth of their blocks.

    Blocks of 16 x 16 pixels are taken less the plane that fits them best. Those with clipped intensities, whose noise
    is cut off, do not count. It is 0 for images with fewer than three other blocks.

    Args:
        images: In [0, 1], (B, 1, h, w).
    """
    if min(images.shape[-2:]) < _BLOCK:
        return images.new_zeros(len(images), 1)
    blocks = F.unfold(at_least_float32(images), _BLOCK, stride=_BLOCK).transpose(1, 2)
    plane = _plane(blocks)
    deviations = (blocks - blocks @ plane @ plane.T).square().mean(2).sqrt()
    low, high, most = _CLIPPED
    counted = ((blocks <= low) | (blocks >= high)).to(blocks).mean(2) <= most
    found = []
    for values, counts in zip(deviations, counted, strict=True):
        smoothest = values[counts].sort().values[: max(_LEAST_BLOCKS, int(_SMOOTHEST * int(counts.sum())))]
        found.append(smoothest.median() if len(smoothest) >= _LEAST_BLOCKS else values.new_zeros(()))
    return torch.stack(found)[:, None].to(images)


def add_grain(images: Tensor, deviation: Tensor, window: Window) -> Tensor:
    """Return images (B, 1, h, w) with noise, which depends on the position in the full-size image only.

    Tiles therefore equal the whole image, and a repeated run gives the same bytes.

    Args:
        images: The window's pixels.
        deviation: Deviation of the noise (B or 1, 1).
        window: Position of the pixels in the whole image.
    """
    pattern = _PATTERN.to(images)
    rows, columns = (
        torch.arange(size, device=images.device).add(start).remainder(PERIOD)
        for start, size in ((window.top, window.height), (window.left, window.width))
    )
    grain = pattern.index_select(0, rows).index_select(1, columns)
    return images + deviation[..., None, None].to(images) * grain


def _pattern() -> Tensor:
    """Return normal noise (128, 128), blurred, with mean 0 and deviation 1; it continues beyond its borders."""
    with torch.inference_mode(False):  # since training uses the same tensor
        white = torch.randn(PERIOD, PERIOD, generator=torch.Generator().manual_seed(_SEED), device="cpu")
        frequencies = torch.fft.fftfreq(PERIOD, device="cpu")
        response = torch.exp(-2 * (torch.pi * _BLUR * frequencies).square())
        blurred = torch.fft.ifft2(torch.fft.fft2(white) * response[:, None] * response).real
        pattern: Tensor = (blurred - blurred.mean()) / blurred.std(correction=0)
        return pattern


_PATTERN = _pattern()  # made here, so that a traced graph contains it as a constant


def _plane(like: Tensor) -> Tensor:
    """Return an orthonormal basis (256, 3) of the planes over a block."""
    steps = torch.arange(_BLOCK, device=like.device, dtype=like.dtype) - (_BLOCK - 1) / 2
    steps = steps / steps.square().sum().sqrt()
    even = torch.full_like(steps, _BLOCK**-0.5)
    return torch.stack([torch.outer(a, b).flatten() for a, b in ((even, even), (even, steps), (steps, even))], dim=1)
