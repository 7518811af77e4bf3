"""Johnson's transformer behind the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.cin.model import CIN
from ir_transfer.models.fixed_looks import FixedLooks, polarity_of
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.transformer_sizes import transformer_size
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.polarity import turn
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.transformer import Normalisation, Transformer


class Johnson(FixedLooks):
    """A feed-forward transformer that knows one look: the look is the weight file.

    The network has no dial, so strength blends its picture with the photograph's luminance.

    Args:
        info: What the model declares.
        looks: Name of the look, alone in a list.
        size: ``"paper"`` or ``"compact"``, which has rows, four levels and skip connections.
        normalisation: ``"instance"`` (Ulyanov et al. 2016) or ``"batch"`` (Johnson et al. 2016).
        widths: Channels of each level; those of the size by default.
        blocks: Residual blocks; those of the size by default.
        out_channels: Channels of the output.

    Raises:
        InputError: More or fewer looks than one, an unknown size or normalisation.
    """

    def __init__(
        self,
        info: ModelInfo,
        looks: Sequence[str] = ("look",),
        size: Literal["compact", "paper"] = "compact",
        normalisation: Normalisation = "instance",
        widths: Sequence[int] | None = None,
        blocks: int | None = None,
        out_channels: int = 1,
    ) -> None:
        if len(looks) != 1:
            raise InputError(f"expected one look for model {info.name!r}, got {len(looks)}: take cin for several")
        if normalisation not in {"instance", "batch"}:
            raise InputError(f"expected normalisation to be instance or batch, got {normalisation!r}")
        chosen = transformer_size(size, widths, blocks)
        super().__init__(info, looks, {**chosen.stored, "normalisation": normalisation, "out_channels": out_channels})
        self.takes_rows = chosen.rows
        self.network = Transformer(
            chosen.widths, chosen.blocks, 3 + chosen.rows, out_channels, normalisation, chosen.skips
        )
        self.affine = nn.Parameter(self.network.identity())

    @property
    def encoder(self) -> nn.Module:
        """Answers with a feature for every level."""
        return self.network.encoder

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder; see the base class."""
        affine = self.affine[None]
        self.network.encode(with_rows(content) if self.takes_rows else content, affine)

    def encode_looks(self, looks: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``polarity`` (B, 1) alone: the look is in the weights."""
        return polarity_of(white_hot)

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        picture = self.network(with_rows(content) if self.takes_rows else content, self.affine[None])
        gray = rgb_to_grayscale(content[:, :3])
        share = strength[..., None, None] if isinstance(strength, Tensor) else strength
        return turn(gray + share * (picture - gray), style["polarity"])

    def adopt(self, trained: TranslationModel) -> None:
        """Take over weights; of a CIN, its network with the look of this name, or its first one.

        Raises:
            WeightsError: It is of another model or size.
        """
        if not isinstance(trained, CIN):
            return super().adopt(trained)
        name = self.looks[0] if self.looks[0] in trained.looks else trained.looks[0]
        state = {f"network.{key}": value for key, value in trained.network.state_dict().items()}
        with torch.no_grad():
            state |= {"affine": trained.table[name], "intensities": self.intensities}
        self._load(state, trained)
        return None
