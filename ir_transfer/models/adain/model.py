"""AdaIN behind the contract: the paper's size and a compact one from the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models import published_files
from ir_transfer.models.adain import published
from ir_transfer.models.adain.network import ContentCorrection, ExemplarEncoder
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import Moments, Statistics, channel_moments
from ir_transfer.nn.polarity import PolarityScorer, turn
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

SIZES: dict[str, dict[str, Any]] = {
    "compact": {"widths": (16, 32, 64, 128, 160), "depths": (2, 2, 2, 3, 3)},
    "vgg19": {"widths": (64, 128, 256, 512), "depths": (2, 2, 4, 1)},
}


class AdaIN(TranslationModel):
    """Encoder, AdaIN, mirrored decoder.

    ``size="vgg19"`` is the paper's network: one VGG encoder for content and exemplar, AdaIN at relu4_1 alone,
    no skip connections. ``size="compact"`` transfers at every level through skip connections, has an infrared
    exemplar encoder of its own, and is exactly equivariant to the exemplar's polarity.

    Args:
        info: What the model declares.
        size: ``"compact"`` or ``"vgg19"``.
        widths: Channels of each level; those of the size by default.
        depths: Convolutions of each level; those of the size by default.
        out_channels: 1 for infrared, 3 for published checkpoints (exemplars then are RGB).
    """

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["compact", "vgg19"] = "compact",
        widths: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
        out_channels: int = 1,
    ) -> None:
        if size not in SIZES:
            raise InputError(f"expected size to be one of {', '.join(SIZES)}, got {size!r}")
        widths = tuple(widths or SIZES[size]["widths"])
        depths = tuple(depths or SIZES[size]["depths"])
        stored = {"size": size, "widths": list(widths), "depths": list(depths), "out_channels": out_channels}
        super().__init__(info, stored)
        self.compact = size == "compact"
        shared = not self.compact
        # Zeros would tell the network where the border is, and it would paint a sky along the upper one; reflection
        # needs two pixels, which the deepest level of a small picture has not.
        padding: Literal["reflect", "replicate"] = "reflect" if shared else "replicate"
        self.takes_rows = self.compact
        self.encoder = VggEncoder(
            widths, depths, 3 + self.takes_rows, padding, residual=self.compact, input_conv=shared
        )
        self.decoder = MirrorDecoder(widths, depths, out_channels, padding, residual=self.compact, skips=self.compact)
        if self.compact:
            self.exemplar_encoder = ExemplarEncoder(widths)
            self.correction = ContentCorrection(widths)
            self.polarity = PolarityScorer()
        self.levels = range(len(widths)) if self.compact else range(len(widths) - 1, len(widths))

    @classmethod
    def build(
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> Self:
        """Make the model; published files are of the paper's size. See :func:`ir_transfer.create_model`."""
        if not published_files.asked(weights, encoder_weights):
            return super().build(info, weights, encoder_weights, **hyper_parameters)
        encoder = published_files.required_encoder(weights, encoder_weights)
        arguments = {"size": "vgg19", **hyper_parameters}
        if arguments["size"] != "vgg19":
            raise InputError(f"expected size='vgg19' with published weights, got {arguments['size']!r}: leave it out")
        model = cls(info, **arguments)
        model.weights_hash = published.load(model.encoder, model.decoder, weights, encoder)
        return model

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``level{l}.mean``, ``level{l}.std`` (B, C_l) and ``polarity`` (B, 1)."""
        if self.compact:
            sign = self.polarity.sign(exemplars, white_hot)
            return {**self.exemplar_encoder(turn(exemplars, sign)), "polarity": sign}
        deepest = self.levels[-1]
        moments = channel_moments(self.encoder(exemplars.expand(-1, 3, -1, -1))[deepest])
        return {f"level{deepest + 1}.mean": moments.mean, f"level{deepest + 1}.std": moments.std()}

    def content_statistics(self, content: Tensor) -> Statistics:
        """Return channel moments of the encoder's levels for a picture or tile (B, 3, h, w)."""
        return self._statistics(self._features(content))

    def _features(self, content: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.encoder(with_rows(content) if self.takes_rows else content)
        return features

    def _statistics(self, features: Sequence[Tensor]) -> Statistics:
        return Statistics({f"level{i + 1}": channel_moments(features[i]) for i in self.levels})

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self._features(content)
        statistics = statistics or self._statistics(features)
        moments = [statistics[f"level{i + 1}"] for i in self.levels]
        for index, content_moments, (mean, std) in zip(
            self.levels, moments, self._targets(style, moments), strict=True
        ):
            features[index] = adain(features[index], content_moments, mean, std, strength)
        picture: Tensor = self.decoder(features)
        return turn(picture, style["polarity"]) if self.compact else picture

    def translate_spatial(
        self,
        content: Tensor,
        styles: Sequence[Mapping[str, Tensor]],
        shares: Tensor,
        strength: float | Tensor,
        statistics: Statistics | None,
    ) -> Tensor:
        """Blend the features that AdaIN gives for each style, then decode once (section 7.2); see the base class.

        The content's statistics stay those of the whole picture, while the paper takes them by region: so shares
        that are the same everywhere equal :func:`~ir_transfer.models.style_code.blend_codes`, and tiles the whole.
        """
        features = self._features(content)
        statistics = statistics or self._statistics(features)
        moments = [statistics[f"level{i + 1}"] for i in self.levels]
        targets = [self._targets(style, moments) for style in styles]
        for number, index in enumerate(self.levels):
            feature = features[index]
            parts = F.adaptive_avg_pool2d(shares, (feature.shape[-2], feature.shape[-1]))
            features[index] = torch.stack(
                [
                    adain(feature, moments[number], *of_style[number], strength) * part
                    for of_style, part in zip(targets, parts, strict=True)
                ]
            ).sum(0)
        picture: Tensor = self.decoder(features)
        if not self.compact:
            return picture
        signs = torch.cat([style["polarity"] for style in styles]).to(shares)
        return turn(picture, (shares * signs[..., None, None]).sum(0, keepdim=True))

    def _targets(self, style: Mapping[str, Tensor], content: Sequence[Moments]) -> list[tuple[Tensor, Tensor]]:
        asked = [(style[f"level{i + 1}.mean"], style[f"level{i + 1}.std"]) for i in self.levels]
        if not self.compact:
            return asked
        corrections = self.correction([m.mean for m in content], [m.std() for m in content])
        return [(m + offset, s * factor) for (m, s), (offset, factor) in zip(asked, corrections, strict=True)]

    def auxiliary_loss(self, exemplars: Tensor, white_hot: Tensor) -> Tensor:
        """Return the logistic loss of the polarity score; ``white_hot`` is (B,) bool."""
        if not self.compact:
            return exemplars.new_zeros(())
        return self.polarity.loss(exemplars, white_hot)
