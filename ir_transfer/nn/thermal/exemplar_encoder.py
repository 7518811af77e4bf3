"""Encoder of infrared exemplars, whose feature statistics are the style."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.content_encoder import ConvNorm, ResidualUnit
from ir_transfer.nn.resize import resize_short_side

SHORT_SIDE = 128
"""Default short side in pixels to which exemplars are resized."""


class ExemplarEncoder(nn.Module):
    """Small residual encoder of infrared exemplars, with one feature map for every level of the neck.

    Infrared and RGB images have different features, so the exemplar has an encoder of its own (Huang and Belongie 2017
    use one VGG for both). Its last stride is 16, also for coarser levels of the neck, since an exemplar of 128 pixels
    would have too few positions for statistics.

    Args:
        targets: Channels of the neck's levels, stride 4 first.
        widths: Channels of this encoder's levels at strides 2, 4, 8 and 16.
    """

    def __init__(self, targets: Sequence[int], widths: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(ConvNorm(a, b, stride=2), nn.SiLU(), ResidualUnit(b))
            for a, b in zip((1, *widths), widths, strict=False)
        )
        self._from = [min(level + 1, len(widths) - 1) for level in range(len(targets))]
        self.project = nn.ModuleList(
            nn.Conv2d(widths[source], target, 1) for source, target in zip(self._from, targets, strict=True)
        )
        self.apply(_initialise)

    def forward(self, exemplars: Tensor, short_side: int = SHORT_SIDE) -> list[Tensor]:
        """Return features (B, C_l, h, w) for every level of the neck, finest first.

        Args:
            exemplars: White-hot and standardised (B, 1, h, w): mean 0, deviation 1 over each.
            short_side: Short side in pixels to which the exemplars are resized.
        """
        features = resize_short_side(exemplars, short_side, clamp=False)
        levels = []
        for level in self.levels:
            features = level(features)
            levels.append(features)
        return [project(levels[source]) for source, project in zip(self._from, self.project, strict=True)]


def _initialise(module: nn.Module) -> None:
    """Start with features of deviations near 1 (He et al. 2015, equation 10).

    They are the scale of all features of the neck: from PyTorch's own start, which is smaller, their covariances were
    those of the regularisation, and models of covariances did not learn detail.
    """
    if isinstance(module, ResidualUnit):
        module.second.conv.weight.data.mul_(0.5)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu" if module.kernel_size[0] > 1 else "linear")
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def standardised(images: Tensor, weights: Tensor | None = None, eps: float = 1e-3) -> Tensor:
    """Return images (B, 1, H, W) standardised to mean 0 and deviation 1 each.

    Args:
        images: In any range.
        weights: Position weights (B or 1, 1, H, W), or None for equal ones; positions of weight 0 become 0.
        eps: Smallest deviation that is divided by, so that a flat image becomes 0.
    """
    if weights is None:
        mean = images.mean((1, 2, 3), keepdim=True)
        return (images - mean) / images.std((1, 2, 3), keepdim=True, correction=0).clamp(min=eps)
    share = weights.to(images) / weights.to(images).sum((1, 2, 3), keepdim=True).clamp(min=1e-6)
    centred = images - (images * share).sum((1, 2, 3), keepdim=True)
    deviation = (centred.square() * share).sum((1, 2, 3), keepdim=True).sqrt().clamp(min=eps)
    return centred / deviation * (weights > 0).to(images)


def pooled(weights: Tensor, like: Tensor) -> Tensor:
    """Return position weights (B or 1, 1, H, W) averaged to the size of features (B, C, h, w)."""
    return F.adaptive_avg_pool2d(weights.to(like), (like.shape[-2], like.shape[-1]))
