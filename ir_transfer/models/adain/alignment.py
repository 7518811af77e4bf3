"""Alignment of content features with an exemplar: by channel moments, by covariance, or by channel histograms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import Moments, channel_moments, covariance_moments
from ir_transfer.nn.precision import at_least_float32
from ir_transfer.nn.quantiles import interpolate, middle_ranks, quantile_function
from ir_transfer.nn.wct import exact_square_roots, recolour

_EPS = 1e-5
QUANTILES = 256
"""Points of the stored quantile function of a channel."""


class ExemplarStatistics(NamedTuple):
    """Statistics of the exemplar's features.

    Attributes:
        mean: (B, C).
        std: (B, C).
        extra: Further tensor of the alignment, of standardised features; None if it has none.
    """

    mean: Tensor
    std: Tensor
    extra: Tensor | None = None


class Alignment(ABC):
    """Gives content features the statistics of an exemplar's features.

    Attributes:
        extra: Name of the tensor that is stored besides mean and standard deviation; empty if there is none.
        tiles: Whether the content's statistics add up over tiles.
    """

    extra: str = ""
    tiles: bool = True

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return the moments of content features (B, C, H, W), with position weights (1, 1, H, W)."""
        return channel_moments(features, weights)

    def encode(self, features: Tensor) -> Tensor | None:
        """Return the extra tensor of the exemplar's features (B, C, h, w), or None."""
        return None

    @abstractmethod
    def align(
        self, features: Tensor, content: Moments, exemplar: ExemplarStatistics, strength: float | Tensor
    ) -> Tensor:
        """Return features (B, C, H, W) with the exemplar's statistics, blended by ``strength`` (number or (B, 1))."""


class ByMoments(Alignment):
    """AdaIN: mean and standard deviation of each channel (Huang and Belongie 2017, equation 8)."""

    def align(
        self, features: Tensor, content: Moments, exemplar: ExemplarStatistics, strength: float | Tensor
    ) -> Tensor:
        """Scale and shift every channel; see :meth:`Alignment.align`."""
        return adain(features, content, exemplar.mean, exemplar.std, strength)


class Coral(Alignment):
    """Second-order alignment of the covariance (Sun, Feng and Saenko 2016, equation 6), as correlations.

    ``x -> D_s R_s^(1/2) R_c^(-1/2) D_c^(-1) (x - mu_c) + mu_s`` with deviations D and correlations R of content and
    style. Of all whitening transforms, this one changes each channel least (Kessy, Lewin and Strimmer 2018, ZCA-cor).
    Correlations are shrunk towards the identity, with which this is AdaIN.

    Args:
        shrinkage: Weight of the identity in [0, 1]; an image has few positions for its many channels.
    """

    extra = "correlation_root"

    def __init__(self, shrinkage: float = 0.1) -> None:
        self.shrinkage = shrinkage

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return matrix moments; see :meth:`Alignment.statistics`."""
        return covariance_moments(features, weights)

    def encode(self, features: Tensor) -> Tensor:
        """Return the square root of the correlation matrix (B, C, C)."""
        return exact_square_roots(self._correlations(covariance_moments(features)))[0]

    def align(
        self, features: Tensor, content: Moments, exemplar: ExemplarStatistics, strength: float | Tensor
    ) -> Tensor:
        """Whiten the content's correlations, then colour them with the exemplar's; see :meth:`Alignment.align`."""
        assert exemplar.extra is not None
        inverse = exact_square_roots(self._correlations(content))[1]
        whitening = inverse / content.std(_EPS)[:, None, :]
        colouring = exemplar.std[..., None] * exemplar.extra
        return recolour(features, content.mean, whitening, exemplar.mean, colouring, strength)

    def _correlations(self, moments: Moments) -> Tensor:
        std = moments.std(_EPS)
        found = moments.covariance() / (std[:, :, None] * std[:, None, :])
        return torch.lerp(found, torch.eye(std.shape[1], dtype=std.dtype, device=std.device), self.shrinkage)


class ByHistogram(Alignment):
    """Histogram matching in feature space: each channel takes the exemplar's whole distribution.

    Each value is replaced by the exemplar's value of the same rank, as Risser, Wilmot and Barnes (2017, section 4.1) do
    for the targets of an optimisation. Ranks are those in the whole image, so this alignment does not tile.
    """

    extra = "quantiles"
    tiles = False

    def encode(self, features: Tensor) -> Tensor:
        """Return the quantile function of every standardised channel (B, C, QUANTILES)."""
        moments = channel_moments(features)
        table = quantile_function(_rows(features), QUANTILES).view(*features.shape[:2], QUANTILES)
        return (table - moments.mean[..., None]) / moments.std(_EPS)[..., None]

    def align(
        self, features: Tensor, content: Moments, exemplar: ExemplarStatistics, strength: float | Tensor
    ) -> Tensor:
        """Replace every value by that of the same rank in the exemplar's channel; see :meth:`Alignment.align`."""
        assert exemplar.extra is not None
        table = (exemplar.extra * exemplar.std[..., None] + exemplar.mean[..., None]).expand(len(features), -1, -1)
        rows = _rows(features)
        matched = interpolate(table.flatten(0, 1).to(rows), middle_ranks(rows)).view_as(features).to(features.dtype)
        share = strength[..., None, None].to(features.dtype) if isinstance(strength, Tensor) else strength
        return torch.lerp(features, matched, share)


ALIGNMENTS: Mapping[str, Alignment] = {"moments": ByMoments(), "coral": Coral(), "histogram": ByHistogram()}


ALIGNMENT_OPTION = {"alignment": RunOption("how features take the exemplar's style", str, choices=tuple(ALIGNMENTS))}
"""The run option of models with a choice of alignment."""


def alignment_named(name: str) -> Alignment:
    """Return an alignment by name.

    Raises:
        InputError: No such alignment.
    """
    if name not in ALIGNMENTS:
        raise InputError(f"expected alignment to be one of {', '.join(ALIGNMENTS)}, got {name!r}")
    return ALIGNMENTS[name]


def exemplar_statistics(style: Mapping[str, Tensor], place: str, alignment: Alignment) -> ExemplarStatistics:
    """Return the exemplar's statistics at a level, stored as ``{place}.mean`` (B, C), ``{place}.std`` and more.

    Raises:
        InputError: The style was prepared for another alignment.
    """
    mean, std = style[f"{place}.mean"], style[f"{place}.std"]
    if not alignment.extra:
        return ExemplarStatistics(mean, std)
    if (extra := style.get(f"{place}.{alignment.extra}")) is None:
        raise InputError(
            f"expected a style with {place}.{alignment.extra}, got one for another alignment: prepare it again, "
            "from an image, not from a saved style or preset"
        )
    return ExemplarStatistics(mean, std, extra)


def _rows(features: Tensor) -> Tensor:
    return at_least_float32(features).flatten(2).flatten(0, 1)
