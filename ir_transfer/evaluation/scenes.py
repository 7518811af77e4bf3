"""Registered pairs as tensors, for measuring."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.data.exemplars.fill import without_invalid
from ir_transfer.data.exemplars.range import AskedRange
from ir_transfer.data.exemplars.read import open_exemplar
from ir_transfer.data.pair_files import read_pair
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError

_WHOLE = 1 - 1e-4  # share of valid pixels from which a reduced pixel has no invalid one in it

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """A photograph and its true infrared picture.

    Attributes:
        stem: Common name of the two files.
        photograph: sRGB (1, 3, H, W) in [0, 1].
        truth: Apparent intensity (1, 1, H, W) in [0, 1].
        scale: Size of these pictures over that of the files.
        valid: Pixels (1, 1, H, W) that are valid in both images; None if all are.
    """

    stem: str
    photograph: Tensor
    truth: Tensor
    scale: float = 1.0
    valid: Tensor | None = None

    def to(self, device: torch.device) -> Scene:
        """Return the scene on a device."""
        valid = None if self.valid is None else self.valid.to(device)
        return replace(self, photograph=self.photograph.to(device), truth=self.truth.to(device), valid=valid)

    @property
    def exemplar(self) -> Tensor:
        """The truth as an exemplar (1, 1, h, w): its invalid pixels take the nearest valid value."""
        if self.valid is None:
            return self.truth
        filled = without_invalid(self.truth[0, 0].cpu().numpy(), self.valid[0, 0].cpu().numpy())
        return torch.from_numpy(filled)[None, None].to(self.truth)


def load_scene(pair: Pair, max_side: int | None = None, device: str = "cpu", black_hot: bool = False) -> Scene:
    """Read a pair by its layout, with all bits; a longer side than ``max_side`` is reduced to it (area-averaging).

    Args:
        pair: The files; a truth that is black-hot by its card is inverted.
        max_side: In pixels.
        device: Where the pictures go.
        black_hot: Whether the infrared file is, where the pair does not know; truths are always white-hot.

    Raises:
        InputError: The two pictures differ in size, the infrared one is coloured, or no pixel is valid in both.
        DecodeError: A file is no picture.
    """
    read = read_pair(pair)
    photograph, truth = (torch.from_numpy(values)[None].to(device) for values in (read.rgb, read.ir))
    truth = 1 - truth if black_hot and not pair.black_hot else truth
    scale = min(1.0, max_side / max(photograph.shape[-2:])) if max_side else 1.0
    valid = None
    if read.valid is not None:
        shares = reduced(torch.from_numpy(read.valid)[None, None].to(device, torch.float32), scale)
        valid = shares > _WHOLE
        if not bool(valid.any()):
            raise InputError(
                f"expected valid pixels in {pair.stem} at a scale of {scale:g}, got none: raise --max-side, or remove "
                "the pair"
            )
    return Scene(pair.stem, reduced(photograph, scale), reduced(truth, scale), scale, valid)


def load_exemplar(path: Path, device: str = "cpu", asked: AskedRange = "auto") -> Tensor:
    """Read an infrared exemplar as (1, 1, h, w) in [0, 1]; see :func:`open_exemplar`, also for the errors."""
    read = open_exemplar(path, asked)
    if not read.report.is_plain:
        logger.warning("exemplar %s: %s", path, read.report.line)
    return torch.from_numpy(without_invalid(read.intensity, read.valid))[None, None].to(device)


def reduced(picture: Tensor, scale: float) -> Tensor:
    """Return a picture (1, C, H, W) at a scale of at most 1, by area-averaging."""
    if scale == 1:
        return picture
    size = [round(side * scale) for side in picture.shape[-2:]]
    return F.interpolate(picture, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
