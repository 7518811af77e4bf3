"""A content encoder that maps colours to classes, so that its detections are known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.nn.content_encoder import ContentEncoder, ContentFeatures

PERSON, TWO_WHEELER, VEHICLE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
_NAMES = ("person", "two-wheeler", "vehicle")


class ColourEncoder(ContentEncoder):
    """Classifies pure red as people, pure green as two-wheelers, pure blue as vehicles and the rest as other."""

    def __init__(self) -> None:
        super().__init__(widths=(4, 4, 4, 4, 4), depths=(0, 0, 0, 0, 0), head_width=4)

    def forward(self, images: Tensor) -> ContentFeatures:
        """See the base class."""
        size = [-(-side // 4) for side in images.shape[-2:]]
        colours = F.interpolate(images, size, mode="area")
        logits = torch.full((images.shape[0], len(CLASSES), *size), -20.0)
        logits[:, CLASSES.index("other")] = 0.0
        for channel, name in enumerate(_NAMES):
            rest = colours.sum(1) - colours[:, channel]
            logits[:, CLASSES.index(name)] = 20 * (colours[:, channel] - rest - 0.5)
        return ContentFeatures((), logits)
