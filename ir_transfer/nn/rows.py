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
    rows = torch.linspace(-1, 1, pictures.shape[-2], device=pictures.device, dtype=pictures.dtype)
    return torch.cat([pictures, rows.view(1, 1, -1, 1).expand_as(pictures[:, :1])], dim=1)
