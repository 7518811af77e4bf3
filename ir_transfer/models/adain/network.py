"""The exemplar's side of the compact AdaIN: from an infrared picture to the statistics it asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ir_transfer.nn.exemplar import ExemplarFeatures


class ExemplarEncoder(ExemplarFeatures):
    """Maps an exemplar to a mean and a standard deviation for every level of the content.

    The paper takes the statistics of the exemplar's own VGG features. An infrared exemplar and a colour
    content do not share features, so here the statistics of an infrared encoder and the exemplar's quantiles
    are mapped to those of the content's levels.

    Args:
        targets: Channels of the content's levels.
        widths: Channels of this encoder's levels.
        hidden: Width of the mapping network.
    """

    def __init__(
        self, targets: Sequence[int], widths: Sequence[int] = (16, 32, 64, 96, 128), hidden: int = 256
    ) -> None:
        super().__init__(widths)
        self.targets = tuple(targets)
        self.mapping = nn.Sequential(nn.Linear(self.channels, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.head = nn.Linear(hidden, 2 * sum(targets))
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Map white-hot exemplars (B, 1, h, w) to ``level{l}.mean`` and ``level{l}.std``, each (B, C_l)."""
        asked = self.head(self.mapping(self.describe(exemplars))).float()
        means, logs = asked.split(sum(self.targets), dim=1)
        style = {f"level{i + 1}.mean": m for i, m in enumerate(means.split(self.targets, dim=1))}
        return style | {f"level{i + 1}.std": s.exp() for i, s in enumerate(logs.split(self.targets, dim=1))}


class ContentCorrection(nn.Module):
    """Lets the content's own statistics (is it night? is it a forest?) correct what the exemplar asks for.

    Args:
        widths: Channels of the content's levels.
        hidden: Width of the mapping network.
    """

    def __init__(self, widths: Sequence[int], hidden: int = 128) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.mapping = nn.Sequential(nn.Linear(2 * sum(widths), hidden), nn.SiLU())
        self.head = nn.Linear(hidden, 2 * sum(widths))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, means: Sequence[Tensor], stds: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Return, for each level, an offset (B, C) to the mean and a factor (B, C) to the deviation."""
        described = torch.cat([*means, *(s.log() for s in stds)], dim=1)
        offsets, logs = self.head(self.mapping(described)).float().split(sum(self.widths), dim=1)
        factors = logs.exp().split(self.widths, dim=1)
        return list(zip(offsets.split(self.widths, dim=1), factors, strict=True))
