"""Device selection, and copies of pixel levels to and from a device in the data type of the files."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import BitDepth, DecodedImage

_TRANSFER_TYPES = {np.dtype(np.uint8): np.uint8, np.dtype(np.uint16): np.int16, np.dtype(np.float32): np.float32}
"""Level types that are copied unconverted, and the type of the same width that torch supports on every device."""
_QUANTISED_AT_ONCE = 2**22  # pixels; float64 of a whole batch would take twice the memory of its intensity


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Args:
        name: ``"auto"`` (CUDA if available), ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises:
        InputError: An unknown name, or a device that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind == "cpu" and not index:
        return torch.device("cpu")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise InputError(f"expected --device auto, cpu, cuda or cuda:N, got {name!r}")
    if int(index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"expected the device {name!r} in this machine, found {torch.cuda.device_count()} CUDA devices: "
            "use --device cpu"
        )
    return torch.device(name)


def content_on(device: torch.device, images: Sequence[DecodedImage]) -> Tensor:
    """Copy images of one size to a device; the values are those of :meth:`Image.rgb`.

    Levels are copied in their stored type, to CUDA from page-locked memory, and converted to floats on the device.

    Args:
        device: Target device.
        images: Images of one height and width; their level types may differ.

    Returns:
        Float32 sRGB (B, 3, H, W) in [0, 1], channels last.
    """
    if len({(image.levels.dtype, len(image.levels), image.white) for image in images}) > 1:
        return torch.cat([content_on(device, [image]) for image in images])
    levels, white = [image.levels for image in images], images[0].white
    bits = _TRANSFER_TYPES.get(levels[0].dtype)
    if bits is None:
        levels, white, bits = [image.rgb() for image in images], 1.0, np.float32
    kind = torch.from_numpy(np.empty(0, bits)).dtype
    staged = torch.empty((len(levels), *levels[0].shape), dtype=kind, pin_memory=device.type == "cuda")
    for one, place in zip(levels, staged.numpy().view(levels[0].dtype), strict=True):
        np.copyto(place, one)
    placed = staged.to(device, non_blocking=True).expand(-1, 3, -1, -1)
    placed = placed.to(torch.int32) & 0xFFFF if kind == torch.int16 else placed
    unit = placed.to(torch.float32, memory_format=torch.channels_last)
    # Divided by a tensor: CUDA would multiply by the reciprocal of a Python number, which rounds differently.
    return unit if white == 1 else unit / torch.full((), white, dtype=torch.float32, device=device)


def has_known_range(image: DecodedImage) -> bool:
    """Return whether all levels of an image are in [0, 1] by type: its white is the largest value of the type."""
    dtype = image.levels.dtype
    return dtype.kind == "u" and image.white == 2 ** (8 * dtype.itemsize) - 1


def nearest_levels(intensity: Tensor, bit_depth: BitDepth) -> Tensor:
    """Quantise a finite intensity of any shape to the levels that :func:`to_levels` returns.

    Returns:
        uint8, or for 16 bits int16 with the bit pattern of uint16.
    """
    kind = torch.uint8 if bit_depth == 8 else torch.int16
    levels = torch.empty(intensity.shape, dtype=kind, device=intensity.device)
    flat, out = intensity.flatten(), levels.view(-1)
    for start in range(0, len(flat), _QUANTISED_AT_ONCE):
        # float64, since float32 cannot represent 65535 * x to half a level everywhere
        scaled = flat[start : start + _QUANTISED_AT_ONCE].double().clamp_(0, 1).mul_(2**bit_depth - 1).add_(0.5)
        out[start : start + _QUANTISED_AT_ONCE] = scaled.to(torch.int32)  # rounds down
    return levels


def to_host(values: Tensor) -> Tensor:
    """Start copying values of any shape to the host; returns before a GPU has finished computing them."""
    if values.device.type != "cuda":
        return values.contiguous()
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)


def to_array(intensities: Tensor) -> NDArray[np.float32]:
    """Return the first of float32 images (B, H, W) on any device, (H, W)."""
    result: NDArray[np.float32] = intensities[0].cpu().numpy()
    return result
