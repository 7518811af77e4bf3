"""The paper's style swap: VGG-19 to relu3_1, swap, and an inverse network that mirrors it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.models import published_files
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import FrozenEncoder
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.style_code import as_part, parts_of
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.patch_swap import check_patch, swap_patches
from ir_transfer.nn.resize import shrink_short_side
from ir_transfer.nn.vgg import MirrorDecoder, VggEncoder

_LAYOUTS = "known layouts of style_swap's encoder: vgg_normalised.pth (a Sequential), and torchvision's vgg19"

RUN_OPTIONS: Mapping[str, RunOption] = {
    "patch": RunOption("side of a swapped patch, in features of four pixels", int, 1, 15, odd=True),
    "stride": RunOption("step between swapped patches, at most their side", int, 1, 15),
    "short_side": RunOption("short side in pixels to which larger exemplars are reduced", int, SMALLEST_SIDE),
}


class PaperStyleSwap(TranslationModel, FrozenEncoder):
    """One frozen VGG-19 for RGB image and exemplar, swap at relu3_1, an inverse network (sections 3 and 4).

    Args:
        info: Declaration of the model.
        widths: Channels of each level of the encoder.
        depths: Convolutions of each level.
        patch: Side of a swapped patch, in positions of relu3_1 (four pixels each).
        stride: Step between swapped patches.
        short_side: Short side in pixels to which larger exemplars are reduced. It, ``patch`` and
            ``stride`` may differ from those of the training.
        out_channels: 1 for infrared.
        size: ``"vgg19"``, which selects this class.
    """

    run_options = RUN_OPTIONS

    def __init__(
        self,
        info: ModelInfo,
        widths: Sequence[int] = (64, 128, 256),
        depths: Sequence[int] = (2, 2, 1),
        patch: int = 3,
        stride: int = 1,
        short_side: int = 512,
        out_channels: int = 1,
        size: Literal["vgg19"] = "vgg19",
    ) -> None:
        stored: dict[str, Any] = {"size": size, "widths": list(widths), "depths": list(depths), "patch": patch}
        stored |= {"stride": stride, "short_side": short_side, "out_channels": out_channels}
        super().__init__(replace(info, tiling="none"), stored)
        self.encoder = VggEncoder(widths, depths, input_conv=True).requires_grad_(False)
        self.decoder = MirrorDecoder(widths, depths, out_channels)
        self._last: tuple[Tensor, Tensor] | None = None

    def take_encoder(self, source: str | Path) -> None:
        """Fill the VGG-19 from a published file or ``"torchvision"``; it is always frozen."""
        published_files.fill_encoder(self.encoder, source, _LAYOUTS)

    def auxiliary_loss(self) -> Tensor | None:
        """Return the loss of the inverse network for the last translation in training, once.

        ``||f(f^-1(H)) - H||^2`` for swapped features H, and for image features where the strength is 0 (section 4.2).
        """
        last, self._last = self._last, None
        return None if last is None else F.mse_loss(self.encoder(last[1].expand(-1, 3, -1, -1))[-1], last[0])

    @classmethod
    def with_encoder(cls, info: ModelInfo, encoder_weights: str | Path, **hyper_parameters: Any) -> Self:
        """Make the model with a published VGG-19 and a random inverse network, to be trained."""
        model = cls(info, **hyper_parameters)
        published_files.fill_encoder(model.encoder, encoder_weights, _LAYOUTS)
        model.weights_hash = published_files.files_hash([encoder_weights])
        return model

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder on (B, 3, H, W)."""
        self.encoder(content)

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> dict[str, Tensor]:
        """Return relu3_1 of the exemplars as ``part0.features`` (B, C, h, w)."""
        images = shrink_short_side(exemplars, self.hyper_parameters["short_side"])
        features: Tensor = self.encoder(images.expand(-1, 3, -1, -1))[-1]
        check_patch(features, self.hyper_parameters["patch"])
        return as_part({"features": features})

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see :meth:`~ir_transfer.models.base.TranslationModel.translate`."""
        own: Tensor = self.encoder(content)[-1]
        swapped = weighted_swaps(
            own, style, "features", self.hyper_parameters["patch"], self.hyper_parameters["stride"]
        )
        share = strength[..., None, None] if isinstance(strength, Tensor) else strength
        # Of shallow levels, the decoder uses the size only; their features would need most of the memory.
        mixed = own + (swapped - own) * share
        image: Tensor = self.decoder([content] * (len(self.decoder.levels) - 1) + [mixed])
        if self.training:
            self._last = mixed.detach(), image
        return image


def weighted_swaps(features: Tensor, style: Mapping[str, Tensor], name: str, patch: int, stride: int) -> Tensor:
    """Return the mean of the swaps of features (B, C, H, W) with every part of a style, by their shares."""
    swaps = [
        share[..., None, None].to(features.dtype) * swap_patches(features, part[name], patch, stride)
        for part, share in parts_of(style)
    ]
    return torch.stack(swaps).sum(dim=0) if len(swaps) > 1 else swaps[0]
