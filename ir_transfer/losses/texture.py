"""Strength of texture: local band amplitudes of output and ground truth at four scales."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene

_LEVELS = 4
_WINDOW = 32
_FLOOR = 0.03  # deviations: below it, a window is flat


def texture(scene: Scene) -> Tensor:
    """Return the absolute log ratio () of band amplitudes of output and ground truth, averaged over bands and windows.

    The bands are four levels of a Laplacian pyramid (Burt and Adelson 1983); the amplitude of a band is its root mean
    square in windows of 32 x 32 pixels of the full size. The amplitude depends neither on the position nor on the sign
    of detail. Misregistration is therefore not penalised, but smooth outputs are, which other distances to the ground
    truth favour where detail cannot be predicted.
    """
    pairs = zip(*(_amplitudes(image / CANONICAL_DEVIATION) for image in (scene.output, scene.truth)), strict=True)
    return torch.stack([scene.mean((output / truth).log().abs(), _WINDOW // 2) for output, truth in pairs]).mean()


def _amplitudes(images: Tensor) -> list[Tensor]:
    found = []
    for level in range(_LEVELS):
        window = max(4, _WINDOW >> level)
        reduced = F.avg_pool2d(images, 2, ceil_mode=True)
        band = images - F.interpolate(reduced, images.shape[-2:], mode="bilinear", align_corners=False)
        energy = F.avg_pool2d(band.square(), window, window // 2, ceil_mode=True, count_include_pad=False)
        found.append((energy + _FLOOR**2).sqrt())
        images = reduced
    return found
