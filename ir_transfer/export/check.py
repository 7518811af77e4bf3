"""Comparison of an exported file with torch on images of ten sizes."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.export.sessions import Session, inputs_of
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import ThermalModel

TOLERANCE = 1e-3
"""Largest accepted difference of intensities in [0, 1]."""

SIZES = (
    (16, 16), (17, 33), (48, 160), (131, 90), (200, 131), (256, 256), (333, 250), (512, 640), (720, 1000), (1201, 1903),
)  # fmt: skip
"""Heights and widths of the images: overview factors 1, 2 and larger, and sides that are not multiples of a stride."""

_STRENGTHS = (1.0, 0.4)


class Difference(NamedTuple):
    """Largest difference between an exported file and torch.

    Attributes:
        value: Absolute difference of intensities in [0, 1]; infinite if the sizes differ.
        height: Height of the image with this difference.
        width: Width of that image.
    """

    value: float
    height: int
    width: int


def check_images(sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[Tensor]:
    """Yield random images (1, 3, H, W) in [0, 1] with smooth areas, edges and noise."""
    for seed, (height, width) in enumerate(sizes):
        generator = torch.Generator().manual_seed(seed)
        coarse = F.interpolate(torch.rand(1, 3, 5, 6, generator=generator), (height, width), mode="bilinear")
        blocks = F.interpolate(torch.rand(1, 3, 7, 4, generator=generator), (height, width))
        noise = torch.randn(1, 3, height, width, generator=generator)
        yield (0.6 * coarse + 0.35 * blocks + 0.03 * noise).clamp(0, 1)


@torch.inference_mode()
def largest_difference(
    model: ThermalModel, code: StyleCode, session: Session, *, baked: bool, sizes: tuple[tuple[int, int], ...] = SIZES
) -> Difference:
    """Return the largest difference between a session and a model over all sizes, at two strengths.

    Args:
        model: Exported model.
        code: Style to apply; if the file contains a style, that one.
        session: Session of the exported file.
        baked: Whether the file contains the style.
        sizes: Heights and widths of the images.
    """
    extra = {} if baked else style_inputs(code)
    found = Difference(-1.0, 0, 0)
    for image in check_images(sizes):
        for strength in _STRENGTHS:
            wanted = model(image, code, strength).numpy()
            made = session.run(inputs_of(image.numpy(), strength, extra))
            value = float(np.abs(wanted - made).max()) if made.shape == wanted.shape else float("inf")
            if not value <= found.value:  # also true for NaN
                found = Difference(value, *image.shape[-2:])
    return found


def check_difference(found: Difference, path: Path) -> None:
    """Raise :class:`InputError` if a difference exceeds :data:`TOLERANCE` or is NaN."""
    if not found.value <= TOLERANCE:
        raise InputError(
            f"expected {path.name} to match torch within {TOLERANCE:g}, got a difference of {found.value:.2g} on an "
            f"image of {found.width} x {found.height}: no file was written; use torch with these weights"
        )


def style_inputs(code: StyleCode) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a style, each of any shape, as named inputs of an exported file."""
    return {name: tensor.detach().cpu().float().numpy() for name, tensor in code.tensors.items()}
