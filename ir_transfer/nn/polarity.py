"""Polarity of infrared images: a classifier that is odd by construction, and the inversion itself.

A white-hot image and its negative hold the same information. The contract turns every exemplar white-hot, the models
work in white-hot only, and the result is turned back: an inverted exemplar gives exactly the inverted output.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ir_transfer.nn.odd_statistics import COUNT, SIDES, odd_statistics

_CLIP = 4.0  # of a statistic, in units of its root mean square


class PolarityClassifier(nn.Module):
    """Small network on odd statistics z of an image: ``score = q(z) - q(-z)``, positive for white-hot.

    Args:
        width: Of the two hidden layers.

    Attributes:
        scale: Root mean square of each statistic over the training images (C,); ones until a training has set it.
    """

    scale: Tensor

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(COUNT))
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(COUNT, width),
            nn.SiLU(),
            nn.Dropout(0.3),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 1, bias=False),  # a bias would cancel in the difference
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the score (B,) of images (B, 1, h, w): the mean over the whole and four overlapping crops.

        The score of ``1 - x`` is the exact negative of that of ``x``; that of an image without contrast is 0.
        """
        return torch.stack([self.score(odd_statistics(reduced(view))) for view in views(images)]).mean(0)

    def score(self, statistics: Tensor) -> Tensor:
        """Return the score (B,) for odd statistics (B, C)."""
        normal = (statistics / self.scale).clamp(-_CLIP, _CLIP)
        score: Tensor = self.layers(normal) - self.layers(-normal)
        return score[:, 0]


def views(images: Tensor) -> list[Tensor]:
    """Return images (B, 1, h, w) as a whole and as four overlapping crops of three quarters of their sides."""
    height, width = images.shape[-2:]
    top, left = height // 4, width // 4
    crops = [images[..., top:, left:], images[..., top:, : width - left]]
    return [images, *crops, images[..., : height - top, left:], images[..., : height - top, : width - left]]


def reduced(images: Tensor) -> Tensor:
    """Return images (B, 1, h, w) as (B, 1, 192, 256), smoothed where they shrink."""
    return nn.functional.interpolate(images.float(), SIDES, mode="bilinear", antialias=True)


def sign_of(white_hot: Tensor) -> Tensor:
    """Return +1 (white-hot) or -1 (black-hot) as (B, 1) float for the polarity (B,) bool."""
    return torch.where(white_hot, 1.0, -1.0)[:, None]


def turn(pictures: Tensor, sign: Tensor) -> Tensor:
    """Invert the pictures (B, C, H, W) whose sign (B or 1, 1), or map of signs (1, 1, H, W), is -1; others blend."""
    signs = sign if sign.dim() == 4 else sign[..., None, None]
    return 0.5 + (pictures - 0.5) * signs.to(pictures.dtype)
