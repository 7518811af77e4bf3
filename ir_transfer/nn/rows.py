"""The height in the picture as a channel: at night it is the only hint at where the sky is."""

from __future__ import annotations

import torch
from torch import Tensor


def with_rows(pictures: Tensor, channels: int = 3) -> Tensor:
    """Append the row position, -1 at the top and 1 at the bottom, to pictures of so many channels.

    A crop or tile brings its own rows as a further channel already, and is returned as it is.
    """
    if pictures.shape[1] > channels:
        return pictures
    return with_rows_of(pictures, pictures.shape[-2], 0)


def with_rows_of(tiles: Tensor, height: int, top: int) -> Tensor:
    """Append the row position to tiles (B, C, h, w) whose first row is row ``top`` of a picture so high."""
    rows = torch.linspace(-1, 1, height, device=tiles.device, dtype=tiles.dtype)[top : top + tiles.shape[-2]]
    return torch.cat([tiles, rows.view(1, 1, -1, 1).expand_as(tiles[:, :1])], dim=1)
