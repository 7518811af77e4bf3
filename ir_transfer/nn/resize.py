"""Resizing of images to a working size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.limits import SMALLEST_SIDE


def resize_short_side(images: Tensor, side: int, multiple: int = 1, *, clamp: bool = True) -> Tensor:
    """Resize images (B, C, H, W) so that the short side is about ``side`` pixels, keeping the aspect ratio.

    Args:
        images: In [0, 1], or of any range without ``clamp``.
        side: Short side in pixels.
        multiple: Both sides become multiples of it, as pooling may require, and at least 16.
        clamp: Whether resized images are clamped to [0, 1].
    """
    height, width = images.shape[-2:]
    factor = side / min(height, width)
    size = [max(SMALLEST_SIDE, round(length * factor / multiple) * multiple) for length in (height, width)]
    if size == [height, width]:
        return images
    resized = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
    return resized.clamp(0, 1) if clamp else resized


def shrink_short_side(images: Tensor, side: int) -> Tensor:
    """Shrink images (B, C, H, W) in [0, 1] whose short side exceeds ``side`` pixels; smaller ones are unchanged."""
    return images if min(images.shape[-2:]) <= side else resize_short_side(images, side)
