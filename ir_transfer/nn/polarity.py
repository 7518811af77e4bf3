"""Polarity of infrared images: a classifier that is odd by construction, and the inversion itself.

A white-hot image and its negative hold the same information. The contract turns every exemplar white-hot, the models
work in white-hot only, and the result is turned back: an inverted exemplar gives exactly the inverted output.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDES = (72, 96)
"""Height and width in pixels at which an image is classified."""

_CLIP = 4.0  # standard deviations; one hot engine must not flatten everything else
_SCALES = (1, 2, 4, 8)
_STATISTICS = 2 * len(_SCALES) + 2


class PolarityClassifier(nn.Module):
    """Small network with ``score(x) = q(x) - q(-x)`` on the standardised image: positive means white-hot.

    Args:
        widths: Channels of the four stages, each at half the resolution of the one before.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, widths[0], 5, stride=2, padding=2)
        self.stages = nn.ModuleList(_Stage(a, b) for a, b in pairwise(widths))
        self.head = nn.Sequential(
            nn.Linear(2 * widths[-1] + _STATISTICS, 48), nn.SiLU(), nn.Dropout(0.2), nn.Linear(48, 1, bias=False)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the score (B,) of images (B, 1, h, w): the mean over the whole and four overlapping crops.

        The score of ``1 - x`` is the exact negative of that of ``x``; that of an image without contrast is 0.
        """
        height, width = images.shape[-2:]
        top, left = height // 4, width // 4
        views = [images, images[..., top:, left:], images[..., top:, : width - left]]
        views += [images[..., : height - top, left:], images[..., : height - top, : width - left]]
        return torch.stack([self.score(reduced(view)) for view in views]).mean(0)

    def score(self, images: Tensor) -> Tensor:
        """Return the score (B,) of images (B, 1, 72, 96) as one view each."""
        std, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)
        normal = (images - mean) / (std + 1e-4)
        statistics = odd_statistics(normal)
        clipped = normal.clamp(-_CLIP, _CLIP)
        planes = torch.cat([clipped, _locally_standardised(clipped)], dim=1)
        return self._half(planes, statistics) - self._half(-planes, -statistics)

    def _half(self, planes: Tensor, statistics: Tensor) -> Tensor:
        rows = torch.linspace(-1, 1, planes.shape[-2], device=planes.device).view(1, 1, -1, 1)
        x = F.silu(self.stem(torch.cat([planes, rows.expand_as(planes[:, :1])], dim=1)))
        for stage in self.stages:
            x = stage(x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3)), statistics], dim=1)
        score: Tensor = self.head(pooled)
        return score[:, 0]


class _Stage(nn.Module):
    """Halves the resolution, then refines with one residual unit."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.down(x))
        refined: Tensor = x + self.refine(F.silu(x))
        return F.silu(refined)


def reduced(images: Tensor) -> Tensor:
    """Return images (B, 1, h, w) as (B, 1, 72, 96), averaged over areas where they shrink."""
    return F.interpolate(images.float(), SIDES, mode="area")


def odd_statistics(images: Tensor) -> Tensor:
    """Return statistics (B, 10) of standardised images (B, 1, h, w) that change sign with the image.

    Skewness of the intensities, their correlation with the row, and for cells of 1, 2, 4 and 8 pixels the skewness and
    the third moment of a cell less its surroundings. Skewnesses go through a cube root, an odd function, so
    that a few hot pixels stay in range.
    """
    rows = torch.linspace(-1, 1, images.shape[-2], device=images.device).view(1, 1, -1, 1)
    found = [_skewness(images), (images * rows).mean((1, 2, 3))]
    for scale in _SCALES:
        cells = F.avg_pool2d(images, scale)
        blobs = cells - _box(cells, 3)
        found += [_skewness(blobs), _cube_root(blobs.pow(3).mean((1, 2, 3)))]
    return torch.stack(found, dim=1)


def sign_of(white_hot: Tensor) -> Tensor:
    """Return +1 (white-hot) or -1 (black-hot) as (B, 1) float for the polarity (B,) bool."""
    return torch.where(white_hot, 1.0, -1.0)[:, None]


def turn(pictures: Tensor, sign: Tensor) -> Tensor:
    """Invert the pictures (B, C, H, W) whose sign (B or 1, 1), or map of signs (1, 1, H, W), is -1; others blend."""
    signs = sign if sign.dim() == 4 else sign[..., None, None]
    return 0.5 + (pictures - 0.5) * signs.to(pictures.dtype)


def _skewness(images: Tensor) -> Tensor:
    centred = images - images.mean((1, 2, 3), keepdim=True)
    return _cube_root(centred.pow(3).mean((1, 2, 3)) / (centred.pow(2).mean((1, 2, 3)) + 1e-4).pow(1.5))


def _cube_root(values: Tensor) -> Tensor:
    return values.sign() * (values.abs() + 1e-9).pow(1 / 3)


def _box(images: Tensor, side: int) -> Tensor:
    """Return the mean over squares of an odd side."""
    return F.avg_pool2d(images, side, stride=1, padding=side // 2, count_include_pad=False)


def _surroundings(images: Tensor) -> Tensor:
    """Return the mean over about 20 pixels, smooth."""
    cells = _box(F.avg_pool2d(images, 4), 5)
    return F.interpolate(cells, images.shape[-2:], mode="bilinear")


def _locally_standardised(images: Tensor) -> Tensor:
    detail = images - _surroundings(images)
    return (detail / (_surroundings(detail.pow(2)) + 0.02).sqrt()).clamp(-_CLIP, _CLIP)
