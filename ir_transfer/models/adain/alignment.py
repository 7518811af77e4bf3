"""How features take the exemplar's look: channel by channel, by their covariance, or by their whole distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import Moments, channel_moments, covariance_moments
from ir_transfer.nn.quantiles import interpolate, middle_ranks, quantile_function
from ir_transfer.nn.wct import exact_square_roots, recolour

_EPS = 1e-5
QUANTILES = 256


class Alignment(Protocol):
    """Aligns content features with what an exemplar asks for.

    The exemplar asks for a mean and a standard deviation of every channel. An alignment that looks further keeps one
    tensor more of it, which says nothing of either: it is about standardised features.

    Attributes:
        kept: Name of that tensor; empty if there is none.
        tiles: Whether the content's statistics add up over tiles.
    """

    kept: str
    tiles: bool

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return what must be known of the content's features (B, C, H, W), whose positions count by ``weights``."""

    def keep(self, features: Tensor) -> Tensor | None:
        """Return what is kept of the exemplar's features (B, C, h, w)."""

    def align(
        self,
        features: Tensor,
        content: Moments,
        mean: Tensor,
        std: Tensor,
        kept: Tensor | None,
        strength: float | Tensor,
    ) -> Tensor:
        """Return the features with the mean (B, C), deviation (B, C) and what was kept of an exemplar."""


class ByMoments:
    """AdaIN itself (Huang and Belongie 2017, equation 8)."""

    kept = ""
    tiles = True

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return moments by channel."""
        return channel_moments(features, weights)

    def keep(self, features: Tensor) -> Tensor | None:
        """Return nothing."""
        return None

    def align(
        self,
        features: Tensor,
        content: Moments,
        mean: Tensor,
        std: Tensor,
        kept: Tensor | None,
        strength: float | Tensor,
    ) -> Tensor:
        """Scale and shift every channel."""
        return adain(features, content, mean, std, strength)


class Coral:
    """Second-order alignment: the whole covariance (Sun, Feng and Saenko 2016, equation 6), as correlations.

    ``x -> D_s R_s^(1/2) R_c^(-1/2) D_c^(-1) (x - mu_c) + mu_s`` with deviations D and correlations R of content and
    style. Of all ways to whiten, this one changes each channel least (Kessy, Lewin and Strimmer 2018, ZCA-cor).
    Correlations are drawn towards the identity, where it becomes AdaIN.

    Args:
        shrinkage: How far, in [0, 1]: an image has few positions for its many channels.
    """

    kept = "correlation_root"
    tiles = True

    def __init__(self, shrinkage: float = 0.1) -> None:
        self.shrinkage = shrinkage

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return matrix moments."""
        return covariance_moments(features, weights)

    def keep(self, features: Tensor) -> Tensor:
        """Return the root of the correlations (B, C, C)."""
        return exact_square_roots(self._correlations(covariance_moments(features)))[0]

    def align(
        self,
        features: Tensor,
        content: Moments,
        mean: Tensor,
        std: Tensor,
        kept: Tensor | None,
        strength: float | Tensor,
    ) -> Tensor:
        """Decorrelate, then correlate as the exemplar is."""
        assert kept is not None
        inverse = exact_square_roots(self._correlations(content))[1]
        whitening = inverse / content.std(_EPS)[:, None, :]
        return recolour(features, content.mean, whitening, mean, std[..., None] * kept, strength)

    def _correlations(self, moments: Moments) -> Tensor:
        std = moments.std(_EPS)
        found = moments.covariance() / (std[:, :, None] * std[:, None, :])
        return torch.lerp(found, torch.eye(std.shape[1], dtype=std.dtype, device=std.device), self.shrinkage)


class ByHistogram:
    """Histogram matching in feature space: each channel takes the exemplar's whole distribution.

    Each value goes to the exemplar's value of the same rank, as Risser, Wilmot and Barnes (2017, section 4.1) do for
    the targets of an optimisation. Ranks are those of a whole image, so it does not tile.
    """

    kept = "quantiles"
    tiles = False

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Moments:
        """Return moments by channel."""
        return channel_moments(features, weights)

    def keep(self, features: Tensor) -> Tensor:
        """Return the quantile function of every standardised channel (B, C, QUANTILES)."""
        moments = channel_moments(features)
        table = quantile_function(_rows(features), QUANTILES).view(*features.shape[:2], QUANTILES)
        return (table - moments.mean[..., None]) / moments.std(_EPS)[..., None]

    def align(
        self,
        features: Tensor,
        content: Moments,
        mean: Tensor,
        std: Tensor,
        kept: Tensor | None,
        strength: float | Tensor,
    ) -> Tensor:
        """Replace every value by the exemplar's of its rank in its channel."""
        assert kept is not None
        table = (kept * std[..., None] + mean[..., None]).expand(len(features), -1, -1)
        rows = _rows(features)
        matched = interpolate(table.flatten(0, 1).to(rows), middle_ranks(rows)).view_as(features).to(features.dtype)
        share = strength[..., None, None].to(features.dtype) if isinstance(strength, Tensor) else strength
        return torch.lerp(features, matched, share)


ALIGNMENTS: Mapping[str, Alignment] = {"moments": ByMoments(), "coral": Coral(), "histogram": ByHistogram()}


ALIGNMENT_OPTION = {"alignment": RunOption("how features take the exemplar's look", str, choices=tuple(ALIGNMENTS))}
"""The run option of models that can choose."""


def alignment_named(name: str) -> Alignment:
    """Return an alignment by name.

    Raises:
        InputError: No such alignment.
    """
    if name not in ALIGNMENTS:
        raise InputError(f"expected alignment to be one of {', '.join(ALIGNMENTS)}, got {name!r}")
    return ALIGNMENTS[name]


def kept_of(style: Mapping[str, Tensor], place: str, alignment: Alignment) -> Tensor | None:
    """Return what a style keeps for an alignment at a level; None if it needs nothing.

    Raises:
        InputError: The style was prepared for another alignment.
    """
    if not alignment.kept:
        return None
    if (found := style.get(f"{place}.{alignment.kept}")) is None:
        raise InputError(
            f"expected a style with {place}.{alignment.kept}, got one for another alignment: prepare it again, "
            "from an image, not from a saved style or preset"
        )
    return found


def _rows(features: Tensor) -> Tensor:
    wide = features if features.dtype == torch.float64 else features.float()
    return wide.flatten(2).flatten(0, 1)
