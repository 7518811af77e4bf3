"""The tone of a picture: the mean and deviation that its values are counted in."""

from __future__ import annotations

from torch import Tensor

from ir_transfer.nn.moments import mean_variance

_EPS = 1e-4


def tone(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation (B, 1) of pictures (B, 1, H, W); a flat one has a deviation of 0.01."""
    mean, variance = mean_variance(pictures)
    return mean, (variance + _EPS).sqrt()


def in_units(pictures: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Count the values of pictures (B, 1, H, W) in deviations from the mean, both (B or 1, 1)."""
    return (pictures - mean[..., None, None]) / std[..., None, None]


def from_units(pictures: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Invert :func:`in_units`."""
    return mean[..., None, None] + std[..., None, None] * pictures
