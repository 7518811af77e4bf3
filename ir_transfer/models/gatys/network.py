"""The networks whose features are compared: VGG-19 to conv5_1 at any width, or the content encoder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.errors import UnknownNameError
from ir_transfer.nn.content_encoder import STRIDES, ContentEncoder
from ir_transfer.nn.imagenet import normalising_convolution

Pooling = Literal["average", "max"]

DEPTHS = (2, 2, 4, 4, 1)
"""Number of convolutions at each level of VGG-19, up to conv5_1."""

LAYERS = tuple(f"conv{level}_{index}" for level, depth in enumerate(DEPTHS, 1) for index in range(1, depth + 1))
"""Names of the layers, shallowest first: ``conv1_1`` to ``conv5_1``."""

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")


class Features(Protocol):
    """A network whose features are the targets of the optimisation.

    Attributes:
        name: Name of the network, for messages.
        layers: Names of its layers, shallowest first.
        content_layer: Layer of the content loss.
        style_layers: Layers of the style loss.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def layers(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def content_layer(self) -> str: ...  # noqa: D102
    @property
    def style_layers(self) -> tuple[str, ...]: ...  # noqa: D102

    def at(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of the named layers, of images (B, 1, H, W) in [0, 1]."""


def check_layers(features: Features, names: Collection[str]) -> None:
    """Raise :class:`UnknownNameError` for a layer that the network does not have."""
    for name in names:
        if name not in features.layers:
            raise UnknownNameError.among(f"layer of {features.name}", name, features.layers)


@dataclass(frozen=True)
class EncoderFeatures:
    """Features of the content encoder, of an infrared image as a gray RGB image.

    Attributes:
        encoder: Frozen encoder.
    """

    encoder: ContentEncoder
    name: ClassVar[str] = "the content encoder"
    layers: ClassVar[tuple[str, ...]] = tuple(f"stride{stride}" for stride in STRIDES)
    content_layer: ClassVar[str] = "stride2"  # coarser ones let the style replace fine detail
    style_layers: ClassVar[tuple[str, ...]] = layers

    def at(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of the named layers, finest first; see :class:`Features`."""
        found = self.encoder(images.expand(-1, 3, -1, -1)).levels
        return {name: level for name, level in zip(self.layers, found, strict=True) if name in layers}


class VggFeatures(nn.Module):
    """VGG-19 to conv5_1; a layer's features are those after its ReLU.

    Padding replicates the border: zeros would produce a frame in an optimised image, and reflection needs two pixels,
    more than the deepest level of a small image has. The parameters are named as in
    :class:`~ir_transfer.nn.perceptual.PerceptualEncoder`, whose files load into it.

    Args:
        widths: Channels of the five levels.
        pooling: ``"average"`` gives smoother images (section 2 of the paper), ``"max"`` is VGG's own.
    """

    name = "VGG-19"
    layers = LAYERS
    content_layer = CONTENT_LAYER
    style_layers = STYLE_LAYERS

    def __init__(self, widths: Sequence[int] = (64, 128, 256, 512, 512), pooling: Pooling = "average") -> None:
        super().__init__()
        self.pool = F.avg_pool2d if pooling == "average" else F.max_pool2d
        self.conv0 = nn.Conv2d(3, 3, 1)
        self.conv0.weight.data, bias = normalising_convolution()
        self.conv0.bias = nn.Parameter(bias)
        before = 3
        for name in LAYERS:
            width = widths[int(name[4]) - 1]  # conv1_1 is at level 1
            conv = nn.Conv2d(before, width, 3, padding=1, padding_mode="replicate")
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
            setattr(self, _parameter(name), conv)
            before = width

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return conv1_1, conv2_1 ... conv5_1 of images (B, 1 or 3, H, W) in [0, 1]: (B, C_l, H / 2^l, W / 2^l)."""
        return list(self.at(images, [name for name in LAYERS if name.endswith("_1")]).values())

    def at(self, images: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the features (B, C, h, w) of the named layers, shallowest first; deeper ones are not computed."""
        found: dict[str, Tensor] = {}
        x = self.conv0(images.expand(-1, 3, -1, -1))
        for name in LAYERS:
            if len(found) == len(set(layers)):
                break
            if name.endswith("_1") and name != LAYERS[0]:
                x = self.pool(x, 2)
            x = F.relu(getattr(self, _parameter(name))(x))
            if name in layers:
                found[name] = x
        return found


def _parameter(name: str) -> str:
    return name.replace("_", "")
