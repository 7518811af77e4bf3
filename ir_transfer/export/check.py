"""An exported file beside torch, on images of ten sizes."""

from __future__ import annotations

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
"""Largest difference of an intensity in [0, 1] that passes."""

SIZES = (
    (16, 16), (17, 33), (48, 160), (131, 90), (200, 131), (256, 256), (333, 250), (512, 640), (720, 1000), (1201, 1903),
)  # fmt: skip
"""Heights and widths of the check: overviews of the factors 1, 2 and more, and sides that no stride divides."""

_STRENGTHS = (1.0, 0.4)


class Difference(NamedTuple):
    """The largest difference that was found.

    Attributes:
        value: Of intensities in [0, 1].
        height: Of the image where it was found.
        width: Of that image.
    """

    value: float
    height: int
    width: int


def check_images(sizes: tuple[tuple[int, int], ...] = SIZES) -> Iterator[Tensor]:
    """Yield images (1, 3, H, W) with smooth areas, edges and noise."""
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
    """Return where the session differs most from the model, with two strengths.

    Args:
        model: That was exported.
        code: Style to translate with; the one that was baked in, if one was.
        session: Of the exported file.
        baked: Whether the style is inside the file.
        sizes: Heights and widths.
    """
    extra = {} if baked else style_inputs(code)
    found = Difference(-1.0, 0, 0)
    for image in check_images(sizes):
        for strength in _STRENGTHS:
            wanted = model(image, code, strength).numpy()
            made = session.run(inputs_of(image.numpy(), strength, extra))
            value = float(np.abs(wanted - made).max()) if made.shape == wanted.shape else float("inf")
            if not value <= found.value:  # NaN too
                found = Difference(value, *image.shape[-2:])
    return found


def refuse_difference(found: Difference, path: Path) -> None:
    """Raise :class:`InputError` unless a difference is within the tolerance."""
    if not found.value <= TOLERANCE:
        raise InputError(
            f"expected {path.name} to equal torch to {TOLERANCE:g}, got a difference of {found.value:.2g} on an image "
            f"of {found.width} x {found.height}: no file was written; use torch with these weights"
        )


def style_inputs(code: StyleCode) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a style, each of any shape, as inputs of a file."""
    return {name: tensor.detach().cpu().float().numpy() for name, tensor in code.tensors.items()}
