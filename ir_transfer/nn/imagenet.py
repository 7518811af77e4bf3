"""ImageNet normalisation, with which torchvision's networks were trained."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
"""Channel means of sRGB images in [0, 1]."""

STD = (0.229, 0.224, 0.225)
"""Channel standard deviations of sRGB images in [0, 1]."""


def normalising_convolution() -> tuple[Tensor, Tensor]:
    """Return weight (3, 3, 1, 1) and bias (3,) of the 1x1 convolution that computes ``(x - MEAN) / STD``."""
    std = torch.tensor(STD)
    return torch.diag(1 / std)[:, :, None, None], -torch.tensor(MEAN) / std
