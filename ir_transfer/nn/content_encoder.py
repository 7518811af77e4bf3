"""Content encoder: features of an RGB image at five strides and class logits, from a small residual network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

CLASS_COUNT = 11
"""Channels of the class logits; :data:`ir_transfer.labels.soft_labels.CLASSES` names them."""

STRIDES = (2, 4, 8, 16, 32)
"""Strides of the encoder's levels in pixels."""


_MARGIN = 32  # pixels: a whole number of positions at every stride


class ContentFeatures(NamedTuple):
    """Output of the encoder for images (B, 3, H, W).

    Attributes:
        levels: Features (B, C_l, ceil(H / s), ceil(W / s)) at the strides s of :data:`STRIDES`.
        logits: Class logits (B, 11, ceil(H / 4), ceil(W / 4)).
    """

    levels: tuple[Tensor, ...]
    logits: Tensor


class ConvNorm(nn.Module):
    """Convolution with zero padding, in training followed by batch normalisation, which can be folded into it.

    Args:
        inputs: Input channels.
        outputs: Output channels.
        kernel: Odd side of the kernel in pixels.
        stride: Stride in pixels.
        norm: Whether batch normalisation follows.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, norm: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else None

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, ceil(H / stride), ceil(W / stride))."""
        features = self.conv(features)
        return features if self.norm is None else self.norm(features)

    def fused(self) -> dict[str, Tensor]:
        """Return weight (C, inputs, k, k) and bias (C,) of the convolution that equals this module in evaluation."""
        if self.norm is None or self.norm.running_mean is None or self.norm.running_var is None:
            return {name: value.detach() for name, value in self.conv.state_dict().items()}
        weight, bias = fuse_conv_bn_weights(
            self.conv.weight,
            self.conv.bias,
            self.norm.running_mean,
            self.norm.running_var,
            self.norm.eps,
            self.norm.weight,
            self.norm.bias,
        )
        return {"weight": weight.detach(), "bias": bias.detach()}


class ResidualUnit(nn.Module):
    """``silu(x + conv(silu(conv(x))))`` with 3x3 convolutions (He et al. 2016, figure 2).

    Args:
        channels: Input and output channels.
        norm: Whether batch normalisation follows each convolution.
    """

    def __init__(self, channels: int, norm: bool = False) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, norm=norm)
        self.second = ConvNorm(channels, channels, norm=norm)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        return F.silu(features + self.second(F.silu(self.first(features))))


class ContentEncoder(nn.Module):
    """Residual encoder with a top-down class head (feature pyramid, Lin et al. 2017).

    It is distilled from larger networks (see :mod:`ir_transfer.training.distillation`) with batch normalisation, which
    is folded into the convolutions afterwards. Images of any size from 16 x 16 pixels are supported.

    Args:
        widths: Channels of the levels at :data:`STRIDES`.
        depths: Residual units of each level.
        head_width: Channels of the class head.
        norm: Whether batch normalisation follows the convolutions, for training.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128, 160),
        depths: Sequence[int] = (0, 1, 2, 3, 3),
        head_width: int = 48,
        norm: bool = False,
    ) -> None:
        super().__init__()
        self.widths, self.depths, self.head_width = tuple(widths), tuple(depths), head_width
        self.levels = nn.ModuleList()
        for inputs, outputs, depth in zip((3, *widths), widths, depths, strict=False):
            units = [ResidualUnit(outputs, norm) for _ in range(depth)]
            self.levels.append(nn.Sequential(ConvNorm(inputs, outputs, stride=2, norm=norm), nn.SiLU(), *units))
        self.laterals = nn.ModuleList(ConvNorm(width, head_width, 1, norm=norm) for width in widths[1:])
        self.context = nn.Linear(widths[-1], head_width)
        self.smooth = nn.ModuleList(ResidualUnit(head_width, norm) for _ in widths[1:-1])
        self.classify = nn.Conv2d(head_width, CLASS_COUNT, 1)

    def forward(self, images: Tensor) -> ContentFeatures:
        """Return features and class logits of sRGB images (B, 3, H, W) in [0, 1].

        Images are padded by reflection, since zeros beyond the border would change the features near it.
        """
        height, width = images.shape[-2:]
        features: Tensor = (_mirrored(_mirrored(images, -2), -1) - 0.45) / 0.25
        levels = []
        for level in self.levels:
            features = level(features)
            levels.append(features)
        logits = _inner(self._logits(levels[1:]), 4, height, width)
        inner = (_inner(level, stride, height, width) for level, stride in zip(levels, STRIDES, strict=True))
        return ContentFeatures(tuple(inner), logits)

    def _logits(self, levels: Sequence[Tensor]) -> Tensor:
        context = self.context(levels[-1].mean((2, 3)))
        found: Tensor = F.silu(self.laterals[-1](levels[-1]) + context[..., None, None])
        for index in reversed(range(len(levels) - 1)):
            larger = F.interpolate(found, levels[index].shape[-2:], mode="bilinear", align_corners=False)
            found = self.smooth[index](larger + self.laterals[index](levels[index]))
        logits: Tensor = self.classify(found)
        return logits

    def folded(self) -> ContentEncoder:
        """Return an equivalent encoder without batch normalisation, in evaluation mode."""
        plain = ContentEncoder(self.widths, self.depths, self.head_width)
        state = {name: value for name, value in self.state_dict().items() if name in plain.state_dict()}
        for name, module in self.named_modules():
            if isinstance(module, ConvNorm):
                state |= {f"{name}.conv.{key}": value for key, value in module.fused().items()}
        plain.load_state_dict(state)
        return plain.eval()


def _mirrored(images: Tensor, axis: int) -> Tensor:
    """Return images padded by reflection at both ends of an axis, without repeating the pixel at the border.

    Images smaller than the margin are reflected repeatedly.
    """
    last = images.shape[axis] - 1
    # abs() is avoided, since OpenVINO drops it for constant integers.
    positions = torch.arange(-_MARGIN, last + 1 + _MARGIN, device=images.device) % (2 * last)
    return images.index_select(axis, torch.minimum(positions, 2 * last - positions))


def _inner(features: Tensor, stride: int, height: int, width: int) -> Tensor:
    """Return features (B, C, ceil(height / stride), ceil(width / stride)) without those of the margin."""
    margin = _MARGIN // stride
    rows, columns = ((size + stride - 1) // stride for size in (height, width))
    return features[..., margin : margin + rows, margin : margin + columns]


def class_probabilities(logits: Tensor) -> Tensor:
    """Return probabilities (B, 11, h, w) in float32 from logits of the same shape."""
    return torch.softmax(logits.float(), dim=1)
