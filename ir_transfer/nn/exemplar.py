"""What an infrared exemplar is like: the statistics of a small encoder's features, and its quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ir_transfer.nn.moments import channel_moments
from ir_transfer.nn.resize import resize_short_side
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.vgg import VggEncoder

_SHORT_SIDE = 128
_QUANTILES = 17


class ExemplarFeatures(nn.Module):
    """Describes an exemplar of any size by a vector, without position.

    Args:
        widths: Channels of the encoder's five levels.

    Attributes:
        channels: Length of the vector.
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 96, 128)) -> None:
        super().__init__()
        self.encoder = VggEncoder(widths, (1, 1, 1, 2, 2), in_channels=2, padding="zeros", residual=True)
        self.channels = 2 * sum(widths) + _QUANTILES

    def describe(self, exemplars: Tensor) -> Tensor:
        """Map white-hot exemplars (B, 1, h, w) to means, log deviations and quantiles (B, channels)."""
        pictures = resize_short_side(exemplars, _SHORT_SIDE)
        moments = [channel_moments(f) for f in self.encoder(with_rows(pictures, channels=1))]
        levels = torch.linspace(0, 1, _QUANTILES, device=pictures.device)
        quantiles = torch.quantile(pictures.flatten(1).float(), levels, dim=1).T
        return torch.cat([*(m.mean for m in moments), *(m.std().log() for m in moments), quantiles], dim=1)
