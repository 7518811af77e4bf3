"""Haar wavelet pooling and unpooling: orthonormal, hence lossless (Yoo et al. 2019, section 3.2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Bands = tuple[Tensor, Tensor, Tensor, Tensor]


def pool(features: Tensor) -> Bands:
    """Split (B, C, H, W) with even sides into LL, LH, HL and HH, each (B, C, H/2, W/2).

    Filters are low = (1, 1)/sqrt(2) and high = (-1, 1)/sqrt(2); LH is low over rows and high over columns.
    """
    bands: Bands = _Pool.apply(features)
    return bands


def unpool(ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
    """Invert :func:`pool` exactly: bands (B, C, h, w) to (B, C, 2h, 2w)."""
    features: Tensor = _Unpool.apply(ll, lh, hl, hh)
    return features


def _split(x: Tensor) -> Bands:
    top, bottom = x[..., 0::2, :] * 0.5, x[..., 1::2, :] * 0.5
    low, high = top + bottom, bottom - top
    return (
        low[..., 0::2] + low[..., 1::2],
        low[..., 1::2] - low[..., 0::2],
        high[..., 0::2] + high[..., 1::2],
        high[..., 1::2] - high[..., 0::2],
    )


def _merge(ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
    batch, channels, height, width = ll.shape
    last = ll.is_contiguous(memory_format=torch.channels_last) and channels > 1
    kind = torch.channels_last if last else torch.contiguous_format
    out = torch.empty((batch, channels, 2 * height, 2 * width), dtype=ll.dtype, device=ll.device, memory_format=kind)
    left, right = ll - lh, ll + lh
    left_high, right_high = hl - hh, hl + hh
    out[..., 0::2, 0::2] = left - left_high
    out[..., 0::2, 1::2] = right - right_high
    out[..., 1::2, 0::2] = left + left_high
    out[..., 1::2, 1::2] = right + right_high
    return out.mul_(0.5)


class _Pool(torch.autograd.Function):
    """The gradient of an orthonormal transform is its inverse, which is faster than autograd through slices."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Bands:
        return _split(features)

    @staticmethod
    def backward(ctx: Any, ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
        return _merge(ll, lh, hl, hh)


class _Unpool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
        return _merge(ll, lh, hl, hh)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Bands:
        return _split(gradient)
