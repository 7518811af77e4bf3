"""AdaIN behind the contract: the paper's size and a compact one from the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models import published_files
from ir_transfer.models.adain import published
from ir_transfer.models.adain.alignment import ALIGNMENTS, kept_of
from ir_transfer.models.adain.network import ContentCorrection, ExemplarEncoder
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.moments import Moments, Statistics, channel_moments
from ir_transfer.nn.polarity import sign_of, turn
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.tiling import Inside, radii
from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

SIZES: dict[str, dict[str, Any]] = {
    "compact": {"widths": (16, 32, 64, 128, 160), "depths": (2, 2, 2, 3, 3)},
    "vgg19": {"widths": (64, 128, 256, 512), "depths": (2, 2, 4, 1)},
}

_BYTES_PER_CHANNEL = {True: 44, False: 28}
"""Measured peak for each pixel and channel of the first level; True is the compact size."""

Target = tuple[Tensor, Tensor, Tensor | None]


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
        alignment: How features take the exemplar's look, a choice of the run that no weight depends on:
            ``"moments"`` is AdaIN, ``"coral"`` takes the whole covariance, ``"histogram"`` each channel's whole
            distribution (and does not tile); see :mod:`ir_transfer.models.adain.alignment`.
    """

    run_options: Mapping[str, RunOption] = {
        "alignment": RunOption("how features take the exemplar's look", str, choices=tuple(ALIGNMENTS))
    }

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["compact", "vgg19"] = "compact",
        widths: Sequence[int] | None = None,
        depths: Sequence[int] | None = None,
        out_channels: int = 1,
        alignment: str = "moments",
    ) -> None:
        for name, value, known in (("size", size, SIZES), ("alignment", alignment, ALIGNMENTS)):
            if value not in known:
                raise InputError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")
        widths = tuple(widths or SIZES[size]["widths"])
        depths = tuple(depths or SIZES[size]["depths"])
        stored = {"size": size, "widths": list(widths), "depths": list(depths), "out_channels": out_channels}
        super().__init__(info, {**stored, "alignment": alignment})
        self._align_by(alignment)
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
        self.levels = range(len(widths)) if self.compact else range(len(widths) - 1, len(widths))

    def configure(self, options: Mapping[str, str]) -> None:
        """Set run-time options; see the base class."""
        super().configure(options)
        self._align_by(self.hyper_parameters["alignment"])

    def _align_by(self, name: str) -> None:
        self.alignment = ALIGNMENTS[name]
        self.info = replace(self.info, tiling="exact" if self.alignment.tiles else "none")

    @classmethod
    def build(
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> Self:
        """Make the model; published files are of the paper's size. See :func:`ir_transfer.create_model`."""
        if not published_files.asked(weights, encoder_weights):
            # No weight depends on a run-time option, so what a file says of it is no contradiction.
            asked = {name: str(hyper_parameters.pop(name)) for name in cls.run_options if name in hyper_parameters}
            made = super().build(info, weights, encoder_weights, **hyper_parameters)
            made.configure(asked)
            return made
        encoder = published_files.required_encoder(weights, encoder_weights)
        arguments = {"size": "vgg19", **hyper_parameters}
        if arguments["size"] != "vgg19":
            raise InputError(f"expected size='vgg19' with published weights, got {arguments['size']!r}: leave it out")
        model = cls(info, **arguments)
        model.weights_hash = published.load(model.encoder, model.decoder, weights, encoder)
        return model

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean``, ``level{l}.std`` (B, C_l), ``polarity`` (B, 1), and what the alignment keeps."""
        if not self.compact:
            deepest = self.levels[-1]
            feature = self.encoder(exemplars.expand(-1, 3, -1, -1))[deepest]
            moments = channel_moments(feature)
            style = {f"level{deepest + 1}.mean": moments.mean, f"level{deepest + 1}.std": moments.std()}
            return style | self._kept({deepest: feature})
        sign = sign_of(white_hot)
        upright = turn(exemplars, sign)
        style = {**self.exemplar_encoder(upright), "polarity": sign}
        if self.alignment.kept:
            # The exemplar's encoder predicts means and deviations; how channels belong together is seen where the
            # content's encoder takes the exemplar for a gray photograph.
            style |= self._kept(dict(enumerate(self._features(upright.expand(-1, 3, -1, -1)))))
        return style

    def _kept(self, features: Mapping[int, Tensor]) -> dict[str, Tensor]:
        found = {f"level{i + 1}.{self.alignment.kept}": self.alignment.keep(f) for i, f in features.items()}
        return {name: kept for name, kept in found.items() if kept is not None}

    @property
    def tile_needs(self) -> TileNeeds:
        """What tiles must bring; see the base class."""
        if not self.alignment.tiles:
            return super().tile_needs
        depths, widths = self.hyper_parameters["depths"], self.hyper_parameters["widths"]
        # The decoder's levels mirror the encoder's; at full resolution the head stands where the encoder began.
        features, output = radii(depths, depths)
        return TileNeeds(features, output, 2 ** (len(depths) - 1), _BYTES_PER_CHANNEL[self.compact] * widths[0])

    def content_statistics(self, content: Tensor, inside: Inside | None = None) -> Statistics:
        """Return moments of the encoder's levels for a picture or tile (B, 3 or 4, h, w).

        Raises:
            InputError: The alignment has no statistics that add up over tiles.
        """
        if not self.alignment.tiles:
            return super().content_statistics(content, inside)
        return self._statistics(self._features(content), inside)

    def _features(self, content: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.encoder(with_rows(content) if self.takes_rows else content)
        return features

    def _statistics(self, features: Sequence[Tensor], inside: Inside | None = None) -> Statistics:
        measure = self.alignment.statistics
        if inside is None:
            return Statistics({f"level{i + 1}": measure(features[i]) for i in self.levels})
        parts = {i: (inside.features(features[i], 2**i), inside.shares(2**i)) for i in self.levels}
        return Statistics({f"level{i + 1}": measure(*part) for i, part in parts.items()})

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self._features(content)
        statistics = statistics or self._statistics(features)
        for index, target in zip(self.levels, self._targets(style, statistics), strict=True):
            features[index] = self._aligned(features[index], statistics[f"level{index + 1}"], target, strength)
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
        targets = [self._targets(style, statistics) for style in styles]
        for index, of_styles in zip(self.levels, zip(*targets, strict=True), strict=True):
            feature, moments = features[index], statistics[f"level{index + 1}"]
            parts = F.adaptive_avg_pool2d(shares, (feature.shape[-2], feature.shape[-1]))
            pairs = zip(of_styles, parts, strict=True)
            blended = [self._aligned(feature, moments, target, strength) * part for target, part in pairs]
            features[index] = torch.stack(blended).sum(0)
        picture: Tensor = self.decoder(features)
        if not self.compact:
            return picture
        signs = torch.cat([style["polarity"] for style in styles]).to(shares)
        return turn(picture, (shares * signs[..., None, None]).sum(0, keepdim=True))

    def _aligned(self, feature: Tensor, content: Moments, target: Target, strength: float | Tensor) -> Tensor:
        mean, std, kept = target
        return self.alignment.align(feature, content, mean, std, kept, strength)

    def _targets(self, style: Mapping[str, Tensor], statistics: Statistics) -> list[Target]:
        """Return what every level is to become: mean, deviation, and what the alignment keeps."""
        places = [f"level{i + 1}" for i in self.levels]
        asked = [(style[f"{place}.mean"], style[f"{place}.std"]) for place in places]
        if self.compact:
            content = [statistics[place] for place in places]
            corrections = self.correction([m.mean for m in content], [m.std() for m in content])
            asked = [(m + offset, s * factor) for (m, s), (offset, factor) in zip(asked, corrections, strict=True)]
        kept = [kept_of(style, place, self.alignment) for place in places]
        return [(mean, std, one) for (mean, std), one in zip(asked, kept, strict=True)]
