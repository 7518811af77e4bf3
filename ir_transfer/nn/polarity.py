"""Which way round is an infrared picture? A score that is odd by construction.

A white-hot picture and its negative hold the same information, so a translator that learns both learns
everything twice. Here the exemplar is first turned white-hot, the network works in white-hot only, and its
output is turned back: an inverted exemplar then gives exactly the inverted output.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SIDE = 64


class PolarityScorer(nn.Module):
    """Small network with ``score(x) = q(x) - q(-x)`` on the standardised picture: positive means white-hot."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        widths = (2, width, 2 * width, 4 * width)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, exemplars: Tensor) -> Tensor:
        """Return the score (B,) of pictures (B, 1, h, w); that of ``1 - x`` is its exact negative."""
        small = F.interpolate(exemplars.float(), (_SIDE, _SIDE), mode="area")
        std, mean = torch.std_mean(small, dim=(1, 2, 3), keepdim=True)
        normal = (small - mean) / (std + 1e-4)
        score: Tensor = self._score(normal) - self._score(-normal)
        return score

    def _score(self, picture: Tensor) -> Tensor:
        rows = torch.linspace(-1, 1, _SIDE, device=picture.device).view(1, 1, -1, 1).expand_as(picture)
        x = torch.cat([picture, rows], dim=1)
        for conv in self.convs:
            x = F.silu(conv(x))
        score: Tensor = self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1))
        return score[:, 0]

    def sign(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Tensor:
        """Return +1 (white-hot) or -1 (black-hot) for each picture, as (B, 1) float.

        ``white_hot`` (B,) bool is what is known already; the score decides where it is None.
        """
        positive = self(exemplars) >= 0 if white_hot is None else white_hot
        return torch.where(positive, 1.0, -1.0)[:, None]

    def loss(self, exemplars: Tensor, white_hot: Tensor) -> Tensor:
        """Return the logistic loss of the score for pictures of known polarity (B,) bool."""
        return F.softplus(torch.where(white_hot, -1.0, 1.0) * self(exemplars)).mean()


def turn(pictures: Tensor, sign: Tensor) -> Tensor:
    """Invert the pictures (B, C, H, W) whose sign (B or 1, 1), or map of signs (1, 1, H, W), is -1; others blend."""
    signs = sign if sign.dim() == 4 else sign[..., None, None]
    return 0.5 + (pictures - 0.5) * signs.to(pictures.dtype)
