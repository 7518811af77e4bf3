"""Conditional instance normalisation behind the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_looks import FixedLooks, polarity_of
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.transformer_sizes import transformer_size
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.polarity import turn
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.transformer import Transformer

PHOTOGRAPH = "photograph"
"""The look that strength 0 takes: the photograph's own luminance."""


class CIN(FixedLooks):
    """A feed-forward transformer whose normalisations have a scale and a shift for every look.

    ``z = gamma_s (x - mu) / sigma + beta_s`` (Dumoulin et al. 2017, equation 5). Looks blend by their scales and
    shifts (equation 6); strength blends with the look of a photograph, which is learned along with the others.
    A new look is learned by its scales and shifts alone: see configs/train/cin-new-look.yaml.

    Args:
        info: What the model declares.
        looks: Names of the looks.
        size: ``"paper"`` or ``"compact"``, which has rows, four levels and skip connections.
        widths: Channels of each level; those of the size by default.
        blocks: Residual blocks; those of the size by default.
        out_channels: Channels of the output.

    Raises:
        InputError: No look, a name twice, a look called ``photograph``, or an unknown size.
    """

    def __init__(
        self,
        info: ModelInfo,
        looks: Sequence[str] = ("look",),
        size: Literal["compact", "paper"] = "compact",
        widths: Sequence[int] | None = None,
        blocks: int | None = None,
        out_channels: int = 1,
    ) -> None:
        chosen = transformer_size(size, widths, blocks)
        super().__init__(info, looks, {**chosen.stored, "out_channels": out_channels})
        if PHOTOGRAPH in looks:
            raise InputError(f"expected looks of other names than {PHOTOGRAPH!r}, which is strength 0: rename it")
        self.takes_rows = chosen.rows
        self.network = Transformer(chosen.widths, chosen.blocks, 3 + chosen.rows, out_channels, skips=chosen.skips)
        self.table = nn.ParameterDict({name: nn.Parameter(self.network.identity()) for name in (PHOTOGRAPH, *looks)})

    @property
    def encoder(self) -> nn.Module:
        """Answers with a feature for every level."""
        return self.network.encoder

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder; see the base class."""
        affine = self.table[PHOTOGRAPH][None]
        self.network.encode(with_rows(content) if self.takes_rows else content, affine)

    def encode_looks(self, looks: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``affine`` (B, 2 S), scales then shifts, and ``polarity`` (B, 1)."""
        table = torch.stack([self.table[name] for name in self.looks])
        return {"affine": table[looks], **polarity_of(white_hot)}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        photograph = self.table[PHOTOGRAPH][None]
        affine = photograph + strength * (style["affine"] - photograph)
        return turn(self.network(with_rows(content) if self.takes_rows else content, affine), style["polarity"])

    def adopt(self, trained: TranslationModel) -> None:
        """Take over another file's network and looks; a look that it has not begins as the mean of those it has.

        Raises:
            WeightsError: It is of another model or size.
        """
        if not isinstance(trained, CIN):
            return super().adopt(trained)
        with torch.no_grad():
            known = torch.stack([trained.table[name] for name in trained.looks]).mean(dim=0)
            state: dict[str, Any] = trained.network.state_dict()
            try:
                self.network.load_state_dict(state)
            except RuntimeError as error:
                raise WeightsError(
                    f"expected weights of size {self.hyper_parameters['size']} to begin from, got another network: "
                    f"{str(error).splitlines()[0]}"
                ) from error
            for name, parameter in self.table.items():
                parameter.copy_(trained.table.get(name, known))
            for index, name in enumerate(self.looks):
                if name in trained.looks:
                    self.intensities[index] = trained.intensities[trained.looks.index(name)]
        return None
