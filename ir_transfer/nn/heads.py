"""Output layers, from features to an image."""

from __future__ import annotations

from torch import Tensor, nn

_GAIN = 0.1


class InfraredHead(nn.Module):
    """Convolution around mid-gray: ``0.5 + 0.1 conv(x)``.

    Features of an unnormalised decoder are large, so that an optimiser step of the last layer changes the tone of the
    whole image; the gain reduces this effect by a factor of ten.

    Args:
        in_channels: Channels of the features.
        out_channels: Channels of the image; 1 for infrared.
        kernel: Side of the kernel in pixels.
    """

    def __init__(self, in_channels: int, out_channels: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, padding_mode="replicate")

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, out_channels, H, W)."""
        image: Tensor = 0.5 + _GAIN * self.conv(features)
        return image
