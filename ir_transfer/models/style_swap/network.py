"""The compact style swap: what is encoded, what the photograph says of it, and what patches cannot carry."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.nn.perceptual import unit
from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

SWAP_LEVEL = 3
"""Level of the swap, as relu3_1 in the paper: a quarter of the picture's size."""


class PictureEncoder(nn.Module):
    """Encodes one-channel pictures, infrared or luminance, for the swap.

    The code has length 1 at every position (as in Yu et al. 2021, arXiv:2110.04627, section 3.2): tone then must lie
    in its direction, which is what normalised cross correlation compares, and the most similar patch is the nearest.

    Args:
        widths: Channels of its levels.
        depths: Convolutions of its levels.
        code: Channels of the code.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], code: int) -> None:
        super().__init__()
        self.levels = VggEncoder(widths, depths, in_channels=1, padding="replicate", residual=True)
        self.head = nn.Conv2d(widths[-1], code, 1)

    def forward(self, pictures: Tensor) -> tuple[list[Tensor], Tensor]:
        """Map (B, 1, H, W) to the features above the code, shallowest first, and the code (B, K, H/4, W/4)."""
        *shallow, deepest = self.levels(pictures)
        return shallow, unit(self.head(deepest).float())


class CodePredictor(nn.Module):
    """Says, from the photograph, what its infrared picture's code may be: climbs up from the deepest levels.

    Args:
        widths: Channels of the photograph encoder's levels from that of the swap on.
        depths: Their convolutions.
        code: Channels of the code.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], code: int) -> None:
        super().__init__()
        head = nn.Conv2d(widths[0], code, 1)
        self.climb = MirrorDecoder(widths, depths, padding="replicate", residual=True, skips=True, head=head)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map the levels from that of the swap on to a code (B, K, H/4, W/4) of length 1 at every position."""
        return unit(self.climb(features).float())


class InverseNetwork(nn.Module):
    """Decodes a code, with the detail that patches cannot carry.

    Args:
        widths: Channels of the picture encoder's levels.
        depths: Their convolutions.
        code: Channels of the code.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], code: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(code, widths[-1], 1)
        head = nn.Conv2d(widths[0], 1, 3, padding=1, padding_mode="replicate")
        self.decoder = MirrorDecoder(widths, depths, padding="replicate", residual=True, skips=True, head=head)

    def forward(self, details: Sequence[Tensor], code: Tensor) -> Tensor:
        """Map details, shallowest first, and the code to a picture (B, 1, H, W) in units of the exemplar's tone."""
        # Length 1 over K channels is little for each.
        picture: Tensor = self.decoder([*details, self.entry(code * code.shape[1] ** 0.5)])
        return picture


def finer_than_patches(features: Tensor, cell: int, patch: int) -> Tensor:
    """Return features (B, C, H, W) less their mean over a patch: the detail that overlapping patches average away.

    It tells where an edge is, not what lies on its sides: those come from the swap.

    Args:
        features: Sides are multiples of ``cell``.
        cell: Side of one position of the code, in positions of these features.
        patch: Side of a patch, in positions of the code.
    """
    margin = patch // 2
    coarse = F.avg_pool2d(F.avg_pool2d(features, cell), 2 * margin + 1, 1, margin, count_include_pad=False)
    return features - F.interpolate(coarse, features.shape[-2:], mode="bilinear")
