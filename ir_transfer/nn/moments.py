"""Moments of features over an image, which can be merged from those of its tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn.precision import at_least_float32


@dataclass(frozen=True)
class Moments:
    """First and second moments of a feature map over space.

    Attributes:
        count: Number of positions, or sum of their weights.
        mean: (B, C).
        scatter: Sum of squared deviations from the mean: (B, C) per channel, or (B, C, C) as a matrix.
        span: Negated minimum and maximum over all channels (B, 2), or None.
    """

    count: float
    mean: Tensor
    scatter: Tensor
    span: Tensor | None = None

    def __add__(self, other: Moments) -> Moments:
        """Merge with the moments of another tile (Chan, Golub and LeVeque 1983, pairwise update)."""
        count = self.count + other.count
        delta = other.mean - self.mean
        share = other.count / count
        product = delta**2 if self.scatter.dim() == 2 else delta[:, :, None] * delta[:, None, :]
        scatter = self.scatter + other.scatter + product * (self.count * share)
        span = None if self.span is None or other.span is None else torch.maximum(self.span, other.span)
        return Moments(count, self.mean + delta * share, scatter, span)

    def to(self, kind: torch.dtype | torch.device) -> Moments:
        """Return the moments in another data type or on another device."""
        span = None if self.span is None else self.span.to(kind)
        return Moments(self.count, self.mean.to(kind), self.scatter.to(kind), span)

    def scaled(self, weight: float) -> Moments:
        """Return the moments with ``weight`` times the count, for weighted sums."""
        return Moments(self.count * weight, self.mean, self.scatter * weight, self.span)

    def std(self, eps: float = 1e-5) -> Tensor:
        """Return the unbiased standard deviation (B, C); ``eps`` is added inside the root."""
        scatter = self.scatter if self.scatter.dim() == 2 else self.scatter.diagonal(dim1=1, dim2=2)
        return (scatter / _degrees_of_freedom(self.count) + eps).sqrt()

    def covariance(self) -> Tensor:
        """Return the unbiased covariance (B, C, C).

        Raises:
            InputError: The moments are those of single channels.
        """
        if self.scatter.dim() != 3:
            raise InputError("expected matrix moments for a covariance, got per-channel ones: use covariance_moments")
        return self.scatter / _degrees_of_freedom(self.count)


@dataclass(frozen=True)
class Statistics:
    """Moments by place in the network; the sum over tiles gives those of the image."""

    places: Mapping[str, Moments]

    def __add__(self, other: Statistics) -> Statistics:
        """Merge place by place."""
        if self.places.keys() != other.places.keys():
            raise InputError(f"expected statistics of the same places, got {[*self.places]} and {[*other.places]}")
        return Statistics({name: moments + other.places[name] for name, moments in self.places.items()})

    def to(self, kind: torch.dtype | torch.device) -> Statistics:
        """Return the statistics in another data type or on another device."""
        return Statistics({name: moments.to(kind) for name, moments in self.places.items()})

    def mixed(self, other: Statistics, share: float) -> Statistics:
        """Return the statistics of a mixture in which ``other`` has the given share in [0, 1]."""
        kept = {name: moments.scaled(1 - share) for name, moments in self.places.items()}
        return Statistics(kept) + Statistics({name: moments.scaled(share) for name, moments in other.places.items()})

    def __getitem__(self, place: str) -> Moments:
        """Return the moments at one place."""
        return self.places[place]

    @staticmethod
    def total(parts: list[Statistics]) -> Statistics:
        """Merge the statistics of many tiles."""
        return reduce(lambda a, b: a + b, parts)


class _MeanVariance(torch.autograd.Function):
    """Mean and biased variance over space, with a backward pass that needs a third of autograd's memory traffic."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        wide = at_least_float32(features)
        mean = wide.mean((2, 3))
        variance = (wide - mean[..., None, None]).square_().mean((2, 3))
        ctx.save_for_backward(features, mean)
        return mean, variance

    @staticmethod
    def backward(ctx: Any, mean_grad: Tensor, variance_grad: Tensor) -> Tensor:
        features, mean = ctx.saved_tensors
        count = features.shape[-2] * features.shape[-1]
        scale = variance_grad * (2 / count)
        shift = mean_grad / count - scale * mean
        kind = features.dtype
        return torch.addcmul(shift[..., None, None].to(kind), features, scale[..., None, None].to(kind))


def mean_variance(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance (B, C) over space of features (B, C, H, W), in float32 or better."""
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]  # the exporter does not support custom gradients
        variance, mean = torch.var_mean(at_least_float32(features), (2, 3), correction=0)
        return mean, variance
    pair: tuple[Tensor, Tensor] = _MeanVariance.apply(features)
    return pair


def channel_moments(features: Tensor, weights: Tensor | None = None) -> Moments:
    """Return per-channel moments of features (B, C, H, W), in float32 or better.

    ``weights`` (1, 1, H, W) are those of the positions; their sum must not be 0.
    """
    if weights is not None:
        wide = at_least_float32(features)
        share = weights.to(wide)
        count = float(share.sum())
        mean = (wide * share).sum((2, 3)) / count
        return Moments(count, mean, ((wide - mean[..., None, None]).square_() * share).sum((2, 3)))
    count = features.shape[-2] * features.shape[-1]
    mean, variance = mean_variance(features)
    return Moments(count, mean, variance * count)


def standardised_by(features: Tensor, moments: Moments, eps: float = 1e-5) -> Tensor:
    """Return features (B, C, H, W) standardised per channel by the given moments.

    Args:
        features: Features of an image or a part of it.
        moments: Moments of the features of the whole image.
        eps: Added to the variance before the root.
    """
    scale = 1 / moments.std(eps)
    shift = -moments.mean * scale
    kind = features.dtype
    return torch.addcmul(shift[..., None, None].to(kind), features, scale[..., None, None].to(kind))


def covariance_moments(features: Tensor, weights: Tensor | None = None) -> Moments:
    """Return matrix moments of features (B, C, H, W) in float32 or better, also under autocast.

    ``weights`` (1, 1, H, W) are those of the positions; their sum must not be 0.
    """
    with torch.autocast(features.device.type, enabled=False):
        wide = at_least_float32(features)
        if weights is not None:
            flat, share = wide.flatten(2), weights.to(wide).flatten(2)
            total = float(share.sum())
            mean = (flat * share).sum(dim=-1) / total
            centred = flat - mean[..., None]
            return Moments(total, mean, (centred * share) @ centred.transpose(1, 2))
        if features.is_contiguous(memory_format=torch.channels_last):
            flat = wide.permute(0, 2, 3, 1).flatten(1, 2)  # a view: channels are innermost already
            mean = flat.mean(1)
            centred = flat - mean[:, None]
            return Moments(flat.shape[1], mean, centred.transpose(1, 2) @ centred)
        flat = wide.flatten(2)
        mean = flat.mean(dim=-1)
        centred = flat - mean[..., None]
        return Moments(flat.shape[-1], mean, centred @ centred.transpose(1, 2))


def span_of(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the span (B, 2) of features (B, C, H, W) where ``weights`` (1, 1, H, W) are above 0; see Moments."""
    wide = at_least_float32(features)
    if weights is None:
        return torch.stack([-wide.amin((1, 2, 3)), wide.amax((1, 2, 3))], dim=1)
    counts = weights > 0
    infinite = wide.new_tensor(torch.inf)
    low, high = torch.where(counts, wide, infinite), torch.where(counts, wide, -infinite)
    return torch.stack([-low.amin((1, 2, 3)), high.amax((1, 2, 3))], dim=1)


def _degrees_of_freedom(count: float) -> float:
    """Return the degrees of freedom, at least 1."""
    # Sizes are tensors during tracing, where a comparison in Python would become a constant.
    return (count - 1).clamp(min=1) if isinstance(count, Tensor) else max(count - 1, 1)
