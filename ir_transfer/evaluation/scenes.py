"""Registered pairs as tensors."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.data.pair_files import read_pair
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.exemplars.read import open_exemplar

_WHOLE = 1 - 1e-4  # share of valid pixels above which a reduced pixel contains no invalid one

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """An RGB image and its ground-truth infrared image.

    Attributes:
        stem: Common name of the two files.
        rgb: sRGB (1, 3, H, W) in [0, 1].
        ground_truth: Apparent intensity (1, 1, H, W) in [0, 1].
        scale: Side of these images over that of the files.
        valid: Pixels (1, 1, H, W) that are valid in both images; None if all are.
    """

    stem: str
    rgb: Tensor
    ground_truth: Tensor
    scale: float = 1.0
    valid: Tensor | None = None

    def to(self, device: torch.device) -> Scene:
        """Return the scene on a device."""
        valid = None if self.valid is None else self.valid.to(device)
        return replace(self, rgb=self.rgb.to(device), ground_truth=self.ground_truth.to(device), valid=valid)

    @property
    def exemplar(self) -> Tensor:
        """The ground truth as an exemplar (1, 1, h, w), with invalid pixels set to the nearest valid value."""
        if self.valid is None:
            return self.ground_truth
        filled = without_invalid(self.ground_truth[0, 0].cpu().numpy(), self.valid[0, 0].cpu().numpy())
        return torch.from_numpy(filled)[None, None].to(self.ground_truth)


def load_scene(pair: Pair, max_side: int | None = None, device: str = "cpu", black_hot: bool = False) -> Scene:
    """Read a pair at its full bit depth, and reduce it to ``max_side`` by area-averaging.

    Args:
        pair: The files; a ground truth that is black-hot by its card is inverted.
        max_side: Largest longer side in pixels; None keeps the size.
        device: Device of the images.
        black_hot: Whether the infrared file is black-hot, for a pair without polarity; the result is white-hot.

    Raises:
        InputError: The two images differ in size, the infrared one is coloured, or no pixel is valid in both.
        DecodeError: A file is not an image.
    """
    read = read_pair(pair)
    rgb, ground_truth = (torch.from_numpy(values)[None].to(device) for values in (read.rgb, read.ir))
    ground_truth = 1 - ground_truth if black_hot and not pair.black_hot else ground_truth
    scale = min(1.0, max_side / max(rgb.shape[-2:])) if max_side else 1.0
    valid = None
    if read.valid is not None:
        shares = reduced(torch.from_numpy(read.valid)[None, None].to(device, torch.float32), scale)
        valid = shares > _WHOLE
        if not bool(valid.any()):
            raise InputError(
                f"expected valid pixels in {pair.stem} at a scale of {scale:g}, got none: raise --max-side, or remove "
                "the pair"
            )
    return Scene(pair.stem, reduced(rgb, scale), reduced(ground_truth, scale), scale, valid)


def load_exemplar(path: Path, device: str = "cpu", asked: AskedRange = "auto") -> Tensor:
    """Read a style exemplar (an infrared image) as (1, 1, h, w) in [0, 1].

    Args:
        path: The file.
        device: Device of the image.
        asked: Values of the file that become black and white; see :func:`open_exemplar`, also for the errors.
    """
    read = open_exemplar(path, asked)
    if not read.report.is_plain:
        logger.warning("exemplar %s: %s", path, read.report.line)
    return torch.from_numpy(without_invalid(read.intensity, read.valid))[None, None].to(device)


def reduced(image: Tensor, scale: float) -> Tensor:
    """Return an image (1, C, H, W) at a scale of at most 1, by area-averaging."""
    if scale == 1:
        return image
    size = [round(side * scale) for side in image.shape[-2:]]
    return F.interpolate(image, size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
