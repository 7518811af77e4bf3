"""Regions of an image that the content encoder recognises, as shares of cells."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ir_transfer.nn.content_encoder import class_probabilities
from ir_transfer.nn.precision import full_precision
from ir_transfer.nn.thermal.local_contrast import CELL
from ir_transfer.nn.thermal.overview import Scale, at_overview

_CLASSES = ((1,), (2,), (3,), (4,), (5,), (6, 7, 8), (0, 9, 10))
"""Class numbers of each region: person, two-wheeler, vehicle, sky, vegetation, ground, and buildings with the rest."""

COUNT = len(_CLASSES)
"""Number of regions."""

OBJECTS = 3
"""Number of the first regions that have a heat source of their own."""

_SKY = 3


class Regions(NamedTuple):
    """Shares of the regions.

    Attributes:
        shares: Probability of each region (B, 7, h, w) in every cell of 4 x 4 pixels.
    """

    shares: Tensor

    @property
    def people(self) -> Tensor:
        """Probability of people (B, 1, h, w)."""
        return self.shares[:, :1]

    @property
    def objects(self) -> Tensor:
        """Probability of people, two-wheelers or vehicles (B, 1, h, w)."""
        return self.shares[:, :OBJECTS].sum(1, keepdim=True)

    @property
    def sky(self) -> Tensor:
        """Probability of sky (B, 1, h, w)."""
        return self.shares[:, _SKY : _SKY + 1]

    def of_overview(self, overview: Tensor, scale: Scale) -> Regions:
        """Return the regions of the cells of an overview (B, 3, H, W) from those of the encoder's image.

        ``scale`` is that of the encoder's image; see :mod:`ir_transfer.nn.thermal.overview`.
        """
        with full_precision(self.shares):
            return Regions(at_overview(self.shares, scale, overview, CELL))


def regions_of(logits: Tensor) -> Regions:
    """Return the regions of the encoder's image from its class logits (B, 11, h, w)."""
    classes = class_probabilities(logits)
    grouped = [classes[:, list(numbers)].sum(1, keepdim=True) for numbers in _CLASSES]
    return Regions(torch.cat(grouped, dim=1))
