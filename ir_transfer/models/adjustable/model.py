"""Adjustable style transfer behind the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import Sliders
from ir_transfer.models.checks import check_style
from ir_transfer.models.cin.model import CIN, PHOTOGRAPH
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.transformer_sizes import transformer_size
from ir_transfer.nn.exemplar import ExemplarFeatures
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.perceptual import LAYERS
from ir_transfer.nn.polarity import sign_of, turn
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.transformer import Transformer

WEIGHTS = "layer_weights"
"""Tensor of a code: weights of the loss layers (B, 7), in the order of :data:`~ir_transfer.nn.perceptual.LAYERS`."""


class Adjustable(TranslationModel, Sliders):
    """A feed-forward transformer whose scales and shifts are made from the exemplar and the weights of the losses.

    ``gamma, beta = MLP(s, alpha_c, alpha_s)`` (Babaeizadeh and Ghiasi 2020, equations 6 to 8): in training the weights
    alpha of content and style losses are random, and the network learns what each of them would have led to. They are
    sliders afterwards: all at 1 by default, see :meth:`adjust`. Strength blends with the look of a photograph.

    Args:
        info: What the model declares.
        size: ``"paper"`` or ``"compact"``, which has rows, four levels and skip connections.
        widths: Channels of each level; those of the size by default.
        blocks: Residual blocks; those of the size by default.
        hidden: Width of the networks that make scales and shifts.
        out_channels: Channels of the output.
    """

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["compact", "paper"] = "compact",
        widths: Sequence[int] | None = None,
        blocks: int | None = None,
        hidden: int = 128,
        out_channels: int = 1,
    ) -> None:
        chosen = transformer_size(size, widths, blocks)
        super().__init__(info, {**chosen.stored, "hidden": hidden, "out_channels": out_channels})
        self.takes_rows = chosen.rows
        self.network = Transformer(chosen.widths, chosen.blocks, 3 + chosen.rows, out_channels, skips=chosen.skips)
        self.exemplar = ExemplarFeatures()
        self.embedding = nn.Sequential(nn.Linear(self.exemplar.channels, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.mapping = nn.Sequential(
            nn.Linear(hidden + len(LAYERS), hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.head = nn.Linear(hidden, len(self.network.identity()))
        nn.init.normal_(self.head.weight, std=0.01)
        self.head.bias.data.copy_(self.network.identity())
        self.photograph = nn.Parameter(self.network.identity())

    @property
    def encoder(self) -> nn.Module:
        """Answers with a feature for every level."""
        return self.network.encoder

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder; see the base class."""
        self.network.encode(with_rows(content) if self.takes_rows else content, self.photograph[None])

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``embedding`` (B, hidden), ``layer_weights`` (B, 7) and ``polarity`` (B, 1).

        In training mode the weights are drawn from [0, 1]; they are 1 otherwise.
        """
        sign = sign_of(white_hot)
        embedding: Tensor = self.embedding(self.exemplar.describe(turn(exemplars, sign)))
        weights = torch.ones(len(exemplars), len(LAYERS), device=exemplars.device)
        if self.training:
            weights = torch.rand_like(weights)
        return {"embedding": embedding.float(), WEIGHTS: weights, "polarity": sign}

    def adjust(self, style: StyleCode, layer_weights: Mapping[str, float]) -> StyleCode:
        """Return a style with other weights of the loss layers; those that are not named stay.

        Raises:
            UnknownNameError: No such layer.
            InputError: A weight outside [0, 1], or a style of another model.
        """
        check_style(style, self.info.name, self.weights_hash)
        weights = style.tensors[WEIGHTS].clone()
        for name, value in layer_weights.items():
            if name not in LAYERS:
                raise UnknownNameError.among("layer", name, LAYERS)
            if not 0 <= value <= 1:
                raise InputError(f"expected a weight of layer {name} in [0, 1], got {value}: choose one in between")
            weights[:, LAYERS.index(name)] = value
        return replace(style, tensors={**style.tensors, WEIGHTS: weights})

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        described = torch.cat([style["embedding"], style[WEIGHTS].to(style["embedding"].dtype)], dim=1)
        affine = self.head(self.mapping(described)).to(self.photograph.dtype)
        affine = self.photograph + strength * (affine - self.photograph)
        return turn(self.network(with_rows(content) if self.takes_rows else content, affine), style["polarity"])

    def adopt(self, trained: TranslationModel) -> None:
        """Take over weights; of a CIN, its network, with the mean of its looks to begin from.

        Raises:
            WeightsError: It is of another model or size.
        """
        if not isinstance(trained, CIN):
            return super().adopt(trained)
        state = self.state_dict()
        state |= {f"network.{key}": value for key, value in trained.network.state_dict().items()}
        looks = torch.stack([trained.table[name].detach() for name in trained.looks])
        state |= {"head.bias": looks.mean(dim=0), "photograph": trained.table[PHOTOGRAPH].detach()}
        self._load(state, trained)
        return None
