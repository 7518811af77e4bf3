"""AdaIN at the paper's size: one VGG-19 for content and exemplar, AdaIN at relu4_1, a mirrored decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.models.adain import published
from ir_transfer.models.adain.alignment import ALIGNMENT_OPTION, alignment_named, exemplar_statistics
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import ContentStatistics, FrozenEncoder, requires_whole_image
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.moments import Statistics, channel_moments
from ir_transfer.nn.tiling import Inside, radii
from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

_BYTES_PER_CHANNEL = 28
"""Measured peak for each pixel and channel of the first level."""


class PaperAdaIN(TranslationModel, ContentStatistics, FrozenEncoder):
    """VGG-19 to relu4_1, AdaIN, mirrored decoder (Huang and Belongie 2017); loads the published checkpoints.

    Args:
        info: Declaration of the model.
        size: ``"vgg19"``, which selects this class.
        widths: Channels of each level.
        depths: Convolutions of each level.
        out_channels: 1 for infrared, 3 for published checkpoints (exemplars then are RGB).
        alignment: See :class:`~ir_transfer.models.adain.model.AdaIN`.
    """

    run_options: Mapping[str, RunOption] = ALIGNMENT_OPTION

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["vgg19"] = "vgg19",
        widths: Sequence[int] = (64, 128, 256, 512),
        depths: Sequence[int] = (2, 2, 4, 1),
        out_channels: int = 1,
        alignment: str = "moments",
    ) -> None:
        stored = {"size": size, "widths": list(widths), "depths": list(depths), "out_channels": out_channels}
        super().__init__(info, {**stored, "alignment": alignment})
        self._align_by(alignment)
        self.encoder = VggEncoder(widths, depths, input_conv=True)
        self.decoder = MirrorDecoder(widths, depths, out_channels)
        self.deepest = len(widths) - 1
        self.place = f"level{len(widths)}"
        self._last: tuple[Tensor, Tensor] | None = None

    def take_encoder(self, source: str | Path) -> None:
        """Fill the VGG-19 from a published file or ``"torchvision"``, and freeze it; see section 6.1."""
        published.load(self, None, source)
        self.encoder.requires_grad_(False)

    def auxiliary_loss(self) -> Tensor | None:
        """Return the content loss of the last translation in training, once.

        ``||f(g(t)) - t||``, t the aligned features (equation 12), here squared and averaged.
        """
        last, self._last = self._last, None
        return None if last is None else F.mse_loss(self._deepest(last[1].expand(-1, 3, -1, -1)), last[0])

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        self._align_by(self.hyper_parameters["alignment"])

    def _align_by(self, name: str) -> None:
        self.alignment = alignment_named(name)
        self.info = replace(self.info, tiling="exact" if self.alignment.tiles else "none")

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``level4.mean`` and ``level4.std`` (B, C), and the extra tensor of the alignment."""
        feature = self._deepest(exemplars.expand(-1, 3, -1, -1))
        moments = channel_moments(feature)
        style = {f"{self.place}.mean": moments.mean, f"{self.place}.std": moments.std()}
        extra = self.alignment.encode(feature)
        return style if extra is None else {**style, f"{self.place}.{self.alignment.extra}": extra}

    @property
    def tile_needs(self) -> TileNeeds:
        """Margins and memory of tiles; see the base class."""
        if not self.alignment.tiles:
            raise requires_whole_image(self.info.name)
        depths, widths = self.hyper_parameters["depths"], self.hyper_parameters["widths"]
        # The decoder mirrors the encoder; its head corresponds to the encoder's first convolution.
        features, output = radii(depths, depths)
        return TileNeeds(features, output, 2**self.deepest, _BYTES_PER_CHANNEL * widths[0])

    def content_statistics(self, content: Tensor, inside: Inside | None = None) -> Statistics:
        """Return moments of the deepest level for an image or tile (B, 3, h, w).

        Raises:
            InputError: The alignment has no statistics that add up over tiles.
        """
        if not self.alignment.tiles:
            raise requires_whole_image(self.info.name)
        return self._statistics(self._deepest(content), inside)

    def _deepest(self, content: Tensor) -> Tensor:
        deepest: Tensor = self.encoder(content)[-1]
        return deepest

    def _statistics(self, features: Tensor, inside: Inside | None = None) -> Statistics:
        stride = 2**self.deepest
        if inside is None:
            return Statistics({self.place: self.alignment.statistics(features)})
        moments = self.alignment.statistics(inside.features(features, stride), inside.shares(stride))
        return Statistics({self.place: moments})

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self.encoder(content)
        statistics = statistics or self._statistics(features[-1])
        features[-1] = self._aligned(features[-1], statistics, style, strength)
        image: Tensor = self.decoder(features)
        if self.training:
            self._last = features[-1].detach(), image
        return image

    def translate_spatial(
        self,
        content: Tensor,
        styles: Sequence[Mapping[str, Tensor]],
        shares: Tensor,
        strength: float | Tensor,
        statistics: Statistics | None,
    ) -> Tensor:
        """Blend the features that AdaIN gives for each style, then decode once (section 7.2); see the base class.

        The content's statistics are those of the whole image, while the paper computes them by region. Uniform shares
        therefore equal :func:`~ir_transfer.models.style_code.blend_codes`, and tiles equal the whole image.
        """
        features = self.encoder(content)
        deepest = features[-1]
        statistics = statistics or self._statistics(deepest)
        parts = F.adaptive_avg_pool2d(shares, (deepest.shape[-2], deepest.shape[-1]))
        pairs = zip(styles, parts, strict=True)
        features[-1] = torch.stack([self._aligned(deepest, statistics, s, strength) * part for s, part in pairs]).sum(0)
        image: Tensor = self.decoder(features)
        return image

    def _aligned(
        self, feature: Tensor, statistics: Statistics, style: Mapping[str, Tensor], strength: float | Tensor
    ) -> Tensor:
        exemplar = exemplar_statistics(style, self.place, self.alignment)
        return self.alignment.align(feature, statistics[self.place], exemplar, strength)
