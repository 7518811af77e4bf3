"""The paper's MSG-Net: one encoder for content and exemplar, CoMatch at a quarter of the size, residual decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.msgnet.network import Decoder, Encoder
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.comatch import CoMatch
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.resize import resize_short_side

_RATIO = 4


class PaperMSGNet(TranslationModel):
    """Encoder, CoMatch, residual blocks, decoder (Zhang and Dana 2017, section 4), for one channel.

    Args:
        info: Declaration of the model.
        size: ``"paper"``, which selects this class.
        widths: Channels of each level.
        blocks: Residual blocks after the match.
        brush: Short side in pixels to which an exemplar is resized. May differ from that of the training.
        out_channels: Channels of the output.

    Raises:
        InputError: Fewer than two widths, or too small a brush.
    """

    run_options: Mapping[str, RunOption] = {
        "brush": RunOption("short side in pixels of resized exemplars: large is a coarse brush", int, SMALLEST_SIDE),
    }

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["paper"] = "paper",
        widths: Sequence[int] = (64, 128, 256),
        blocks: int = 6,
        brush: int = 512,
        out_channels: int = 1,
    ) -> None:
        multiple = 2 ** (len(widths) - 1)
        if len(widths) < 2 or brush < max(SMALLEST_SIDE, multiple):
            raise InputError(
                f"expected two or more widths and a brush of at least {max(SMALLEST_SIDE, multiple)} pixels, got "
                f"{list(widths)} and {brush}"
            )
        stored = {"size": size, "widths": list(widths), "blocks": blocks, "brush": brush, "out_channels": out_channels}
        super().__init__(replace(info, size_multiple=multiple, tiling="none"), stored)
        self.encoder = Encoder(3, widths, _RATIO)
        self.decoder = Decoder(widths, blocks, out_channels, _RATIO)
        self.matches = nn.ModuleList([CoMatch(widths[-1])])
        self.place = f"level{len(widths)}.gram"

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder on (B, 3, H, W)."""
        self.encoder(content)

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the Gram matrix (B, C, C) of the deepest level."""
        images = resize_short_side(exemplars, self.hyper_parameters["brush"], self.info.size_multiple)
        return {self.place: gram_matrix(self.encoder(images.expand(-1, 3, -1, -1))[-1])}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see :meth:`~ir_transfer.models.base.TranslationModel.translate`."""
        features: Tensor = self.encoder(content)[-1]
        image: Tensor = self.decoder(self.matches[0](features, style[self.place], strength))
        return image
