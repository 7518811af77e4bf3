"""Images to a working size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

SMALLEST_SIDE = 16


def resize_short_side(images: Tensor, side: int, multiple: int = 1) -> Tensor:
    """Resize images (B, C, H, W) in [0, 1] so that the short side is about ``side``; the aspect stays.

    Both sides become multiples of ``multiple``, as pooling may need, and at least 16.
    """
    height, width = images.shape[-2:]
    factor = side / min(height, width)
    size = [max(SMALLEST_SIDE, round(length * factor / multiple) * multiple) for length in (height, width)]
    if size == [height, width]:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def resize_short_side_of(images: Tensor, side: int) -> Tensor:
    """Resize images (B, C, H, W) of any range so that the short side is about ``side``; the aspect stays."""
    height, width = images.shape[-2:]
    factor = side / min(height, width)
    size = [max(SMALLEST_SIDE, round(length * factor)) for length in (height, width)]
    if size == [height, width]:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)


def shrink_short_side(images: Tensor, side: int) -> Tensor:
    """Shrink images (B, C, H, W) in [0, 1] whose short side exceeds ``side`` to it; others stay as they are."""
    return images if min(images.shape[-2:]) <= side else resize_short_side(images, side)
