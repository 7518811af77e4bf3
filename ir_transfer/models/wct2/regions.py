"""Semantic regions: integer label maps that restrict whitening and colouring to equal labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.moments import Moments, covariance_moments

SMALLEST_REGION = 100


@dataclass(frozen=True)
class Region:
    """One label at the resolution of one feature map.

    Attributes:
        label: Number in the label map.
        where: Mask of the region, bool (h, w).
    """

    label: int
    where: Tensor

    def moments(self, features: Tensor, whole: Moments, smallest: int = SMALLEST_REGION) -> Moments:
        """Return the moments of features (1, C, h, w) inside; ``whole`` for fewer than ``smallest`` positions."""
        if int(self.where.sum()) < smallest:
            return whole
        return covariance_moments(features[:, :, self.where][..., None])


def regions_of(mask: Tensor, features: Tensor, labels: Sequence[int] | None = None) -> Iterator[Region]:
    """Yield labels (by default all) of a map (1, 1, H, W) at the resolution of features (1, C, h, w)."""
    resized = F.interpolate(mask.double(), features.shape[-2:], mode="nearest-exact")[0, 0].long()
    for label in labels if labels is not None else torch.unique(mask).tolist():
        yield Region(int(label), resized == label)


def region_key(place: str, label: int) -> str:
    """Return the name of the statistics of one label at one place in a style code."""
    return f"{place}@{label}"


def asked_statistics(style: Mapping[str, Tensor], place: str, label: int) -> tuple[Tensor, Tensor]:
    """Return mean (B, C) and colouring (B, C, C) for a label, or of the whole exemplar without that label."""
    key = region_key(place, label)
    key = key if f"{key}.mean" in style else place
    return style[f"{key}.mean"], style[f"{key}.colouring"]
