"""MSG-Net behind the contract: the paper's size and a compact one from the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.msgnet.network import Decoder, Encoder
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.comatch import CoMatch
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.moments import Statistics, mean_variance
from ir_transfer.nn.polarity import sign_of, turn
from ir_transfer.nn.resize import resize_short_side
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.units import from_units, in_units, tone

SIZES: dict[str, dict[str, Any]] = {
    "compact": {"widths": (16, 32, 64, 128), "blocks": 6, "ratio": 2, "brush": 128},
    "paper": {"widths": (64, 128, 256), "blocks": 6, "ratio": 4, "brush": 512},
}
_HEAD_GAIN = 0.3


class MSGNet(TranslationModel):
    """Encoder, CoMatch, residual blocks, decoder.

    ``size="paper"`` is the paper's network: one encoder for content and exemplar, CoMatch at a quarter of the size, no
    skip connections. ``size="compact"`` has an infrared exemplar encoder of its own, matches at every level, and its
    decoder works in units of the exemplar's tone and in white-hot, so that it is exactly equivariant to the polarity.

    Args:
        info: What the model declares.
        size: ``"compact"`` or ``"paper"``.
        widths: Channels of each level; those of the size by default.
        blocks: Residual blocks after the match; those of the size by default.
        brush: Short side in pixels to which an exemplar is brought: texture is as coarse, against the picture's pixels,
            as it is in the exemplar at that size. Large is a coarse brush. May differ from that of the training.
        out_channels: Channels of the output.

    Raises:
        InputError: An unknown size, fewer than two widths, or a brush below 16 pixels.
    """

    run_options: Mapping[str, RunOption] = {
        "brush": RunOption("short side in pixels that exemplars are brought to: large is a coarse brush", int, 16),
    }

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["compact", "paper"] = "compact",
        widths: Sequence[int] | None = None,
        blocks: int | None = None,
        brush: int | None = None,
        out_channels: int = 1,
    ) -> None:
        if size not in SIZES:
            raise InputError(f"expected size to be one of {', '.join(SIZES)}, got {size!r}")
        chosen = SIZES[size]
        widths, blocks = tuple(widths or chosen["widths"]), chosen["blocks"] if blocks is None else blocks
        brush = chosen["brush"] if brush is None else brush
        multiple = 2 ** (len(widths) - 1)
        if len(widths) < 2 or brush < max(16, multiple):
            raise InputError(
                f"expected two or more widths and a brush of at least {max(16, multiple)} pixels, got {list(widths)} "
                f"and {brush}"
            )
        stored = {"size": size, "widths": list(widths), "blocks": blocks, "brush": brush, "out_channels": out_channels}
        super().__init__(replace(info, size_multiple=multiple), stored)
        self.compact = size == "compact"
        self.takes_rows = self.compact
        padding: Literal["reflect", "replicate"] = "replicate" if self.compact else "reflect"
        ratio = chosen["ratio"]
        self.encoder = Encoder(3 + self.takes_rows, widths, ratio, padding)
        self.decoder = Decoder(widths, blocks, out_channels, ratio, padding, self.compact)
        self.levels = range(len(widths)) if self.compact else range(len(widths) - 1, len(widths))
        self.matches = nn.ModuleList(CoMatch(widths[level]) for level in self.levels)
        if self.compact:
            self.decoder.head.weight.data.mul_(_HEAD_GAIN)
            self.exemplar_encoder = Encoder(1, widths, ratio, padding)

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder; see the base class."""
        self._features(content)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.gram`` (B, C_l, C_l), in the compact size also tone and polarity, each (B, 1)."""
        pictures = resize_short_side(exemplars, self.hyper_parameters["brush"], self.info.size_multiple)
        if not self.compact:
            return self._grams(self.encoder(pictures.expand(-1, 3, -1, -1)))
        sign = sign_of(white_hot)
        pictures = turn(pictures, sign)
        mean, std = tone(pictures)
        features = [_standard(feature) for feature in self.exemplar_encoder(in_units(pictures, mean, std))]
        grams = {name: _same_power(gram) for name, gram in self._grams(features).items()}
        return {"polarity": sign, "tone.mean": mean, "tone.std": std, **grams}

    def _grams(self, features: Sequence[Tensor]) -> dict[str, Tensor]:
        return {f"level{level + 1}.gram": gram_matrix(features[level]) for level in self.levels}

    def _features(self, content: Tensor) -> list[Tensor]:
        features: list[Tensor] = self.encoder(with_rows(content) if self.takes_rows else content)
        return features

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features = self._features(content)
        for level, match in zip(self.levels, self.matches, strict=True):
            features[level] = match(features[level], style[f"level{level + 1}.gram"], strength)
        picture: Tensor = self.decoder(features)
        if not self.compact:
            return picture
        own = tone(rgb_to_grayscale(content[:, :3]))
        asked = style["tone.mean"], style["tone.std"]
        mean, std = (a + (b - a) * strength for a, b in zip(own, asked, strict=True))
        return turn(from_units(picture, mean, std), style["polarity"])


def _standard(features: Tensor) -> Tensor:
    """Return features with mean 0 and deviation 1 per channel: the tone is in the code already."""
    mean, variance = mean_variance(features)
    return (features - mean[..., None, None]) * (variance + 1e-3).rsqrt()[..., None, None]


def _same_power(gram: Tensor) -> Tensor:
    """Scale Gram matrices (B, C, C) so that a product with them keeps the power of white features."""
    norm = gram.square().sum(dim=(1, 2), keepdim=True) + 1e-3
    return gram * (gram.shape[-1] / norm).sqrt()
