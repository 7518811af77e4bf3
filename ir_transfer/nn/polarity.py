"""Polarity of infrared images: a classifier that is odd by construction, and the inversion of images.

Models work on white-hot images only: exemplars are converted to white-hot, and the output is converted to the polarity
of the exemplar, so that an inverted exemplar gives exactly the inverted output.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ir_transfer.nn.content_asymmetry import asymmetry_count, content_asymmetries
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.nn.odd_statistics import COUNT, SIDES, odd_statistics

_CLIP = 4.0  # of a statistic, in units of its root mean square


class PolarityClassifier(nn.Module):
    """Small network on statistics z that change sign with the image: ``score = q(z) - q(-z)``, positive for white-hot.

    The score of ``1 - x`` is the exact negative of that of ``x``; that of an image without contrast is 0.

    Args:
        count: Number C of statistics; see :func:`polarity_statistics`.
        width: Width of the two hidden layers.

    Attributes:
        scale: Root mean square of each statistic over the training images (C,); ones before training.
    """

    scale: Tensor

    def __init__(self, count: int, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(count))
        self.layers = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(count, width),
            nn.SiLU(),
            nn.Dropout(0.6),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 1, bias=False),  # a bias would cancel in the difference
        )

    def forward(self, statistics: Tensor) -> Tensor:
        """Return the score (B,) for statistics (B, C)."""
        normal = (statistics / self.scale).clamp(-_CLIP, _CLIP)
        score: Tensor = self.layers(normal) - self.layers(-normal)
        return score[:, 0]


def polarity_statistics(images: Tensor, encoder: ContentEncoder) -> Tensor:
    """Return the statistics (B, C) of images (B, 1, h, w) of any gain and offset for the polarity classifier.

    They are odd statistics of the intensities and asymmetries of the content encoder's features.
    """
    small = nn.functional.interpolate(images.float(), SIDES, mode="bilinear", antialias=True)
    low, high = small.amin((1, 2, 3), keepdim=True), small.amax((1, 2, 3), keepdim=True)
    stretched = torch.where(high > low, (small - low) / (high - low).clamp(min=1e-6), 0.5)
    return torch.cat([odd_statistics(stretched), content_asymmetries(encoder, stretched)], dim=1)


def statistics_count(encoder: ContentEncoder) -> int:
    """Return the number C of statistics of :func:`polarity_statistics`."""
    return COUNT + asymmetry_count(encoder)


def polarity_sign(white_hot: Tensor) -> Tensor:
    """Return +1 (white-hot) or -1 (black-hot) as (B, 1) float for the polarity (B,) bool."""
    return torch.where(white_hot, 1.0, -1.0)[:, None]


def apply_polarity(images: Tensor, sign: Tensor) -> Tensor:
    """Return images (B, C, H, W) inverted where the sign is -1; signs in between blend linearly.

    Args:
        images: In [0, 1].
        sign: In [-1, 1], (B or 1, 1), or a map (1, 1, H, W).
    """
    signs = sign if sign.dim() == 4 else sign[..., None, None]
    return 0.5 + (images - 0.5) * signs.to(images.dtype)
