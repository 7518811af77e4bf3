"""Levels to a device and results back, in as few bytes as files hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ir_transfer.imaging.image_io import BitDepth, DecodedImage

_AS_STORED = {np.dtype(np.uint8): np.uint8, np.dtype(np.uint16): np.int16, np.dtype(np.float32): np.float32}
"""Types of levels that travel as they are, and the type that torch computes with on every device for their bits."""
_AT_ONCE = 2**22  # pixels that become levels: float64 of a whole batch would be twice its intensity


def content_on(device: torch.device, images: Sequence[DecodedImage]) -> Tensor:
    """Return images of one size on a device, with the values of :meth:`Image.rgb`.

    Levels travel as they are stored, from page-locked memory to CUDA, and become floats there.

    Args:
        device: Where to.
        images: Of one height and width; their kinds of levels may differ.

    Returns:
        Float32 sRGB (B, 3, H, W) in [0, 1], channels last.
    """
    if len({(image.levels.dtype, len(image.levels), image.white) for image in images}) > 1:
        return torch.cat([content_on(device, [image]) for image in images])
    levels, white = [image.levels for image in images], images[0].white
    bits = _AS_STORED.get(levels[0].dtype)
    if bits is None:
        levels, white, bits = [image.rgb() for image in images], 1.0, np.float32
    kind = torch.from_numpy(np.empty(0, bits)).dtype
    staged = torch.empty((len(levels), *levels[0].shape), dtype=kind, pin_memory=device.type == "cuda")
    for one, place in zip(levels, staged.numpy().view(levels[0].dtype), strict=True):
        np.copyto(place, one)
    placed = staged.to(device, non_blocking=True).expand(-1, 3, -1, -1)
    placed = placed.to(torch.int32) & 0xFFFF if kind == torch.int16 else placed
    unit = placed.to(torch.float32, memory_format=torch.channels_last)
    # Not by a number, since CUDA multiplies by its reciprocal: that is rounded otherwise.
    return unit if white == 1 else unit / torch.full((), white, dtype=torch.float32, device=device)


def has_known_range(image: DecodedImage) -> bool:
    """Return whether no level of an image can be outside of [0, 1]: its white is the largest of its type."""
    dtype = image.levels.dtype
    return dtype.kind == "u" and image.white == 2 ** (8 * dtype.itemsize) - 1


def nearest_levels(intensity: Tensor, bit_depth: BitDepth) -> Tensor:
    """Return the levels of a finite intensity of any shape, which are those of :func:`to_levels`.

    Returns:
        uint8, or for 16 bits int16 with the bits of uint16.
    """
    kind = torch.uint8 if bit_depth == 8 else torch.int16
    levels = torch.empty(intensity.shape, dtype=kind, device=intensity.device)
    flat, out = intensity.flatten(), levels.view(-1)
    for start in range(0, len(flat), _AT_ONCE):
        # float64: a float32 cannot hold 65535 * x to half a level everywhere
        scaled = flat[start : start + _AT_ONCE].double().clamp_(0, 1).mul_(2**bit_depth - 1).add_(0.5)
        out[start : start + _AT_ONCE] = scaled.to(torch.int32)  # rounds down
    return levels


def to_host(values: Tensor) -> Tensor:
    """Begin to copy values of any shape to the host; a GPU still computes when this returns."""
    if values.device.type != "cuda":
        return values.contiguous()
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)
