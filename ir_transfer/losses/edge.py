"""Agreement of edges with the photograph."""

from __future__ import annotations

import kornia
import torch
from torch import Tensor

from ir_transfer.losses.base import Scene

ENOUGH = 0.75
"""Correlation beyond which more would be the photograph's own texture: infrared has not every edge of it."""


def edge(scene: Scene) -> Tensor:
    """Return how far :func:`edge_correlation` falls short of 0.75."""
    return torch.relu(ENOUGH - edge_correlation(scene)).mean()


def edge_correlation(scene: Scene) -> Tensor:
    """Return the correlation (B,) of Sobel gradient magnitudes of output and photograph's luminance."""
    output = kornia.filters.sobel(scene.output.float())
    photo = kornia.filters.sobel(kornia.color.rgb_to_grayscale(scene.content.float()))
    pair = torch.stack([output, photo]).flatten(2)
    pair = pair - pair.mean(dim=-1, keepdim=True)
    product = (pair[0] * pair[1]).sum(-1)
    return product / (pair.pow(2).sum(-1).prod(0) + 1e-8).sqrt()
