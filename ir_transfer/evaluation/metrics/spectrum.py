"""Distance of radial power spectra: is the picture as sharp and as grainy as an infrared one?"""

from __future__ import annotations

import torch
from torch import Tensor

FLOOR = 1 / (12 * 255**2)
"""Power of 8-bit rounding: what lies below it no file can show, and a flat picture has something to take a log of."""

RINGS = 32
"""Rings of equal width from 0 to 0.5 cycles per pixel, so that pictures of any size and aspect compare."""


def radial_power(picture: Tensor) -> Tensor:
    """Return the mean power per pixel and frequency (B, RINGS) in each ring of frequencies, of the mean-free picture.

    A Hann window keeps the jump between opposite borders out; its loss of power is made good.

    Args:
        picture: (B, 1, H, W) in [0, 1], sides >= 16.
    """
    centred = picture[:, 0].double() - picture[:, 0].double().mean(dim=(1, 2), keepdim=True)
    height, width = centred.shape[-2:]
    window = torch.outer(*(torch.hann_window(side, dtype=torch.float64) for side in (height, width)))
    power = torch.fft.fft2(centred * window.to(centred)).abs().square() / window.square().sum().item()
    radius = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
    ring = (radius * 2 * RINGS).long().flatten()
    inside = (ring < RINGS) & (radius.flatten() > 0)
    sums = power.new_zeros(len(power), RINGS).index_add(
        1, ring[inside].to(power.device), power.flatten(1)[:, inside.to(power.device)]
    )
    means: Tensor = sums / torch.bincount(ring[inside], minlength=RINGS).to(sums)
    return means


def spectrum_distance(output: Tensor, truth: Tensor) -> Tensor:
    """Return the mean difference (B,) in dB of the two pictures' radial power spectra, over rings that both have.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 16.
        truth: Same shape.
    """
    levels = [10 * (radial_power(picture) + FLOOR).log10() for picture in (output, truth)]
    # A small picture has no frequency in some ring: 0 / 0.
    return (levels[0] - levels[1]).abs().nanmean(dim=1)
