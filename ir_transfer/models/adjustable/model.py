"""Adjustable style transfer on the compact network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.capabilities import Sliders
from ir_transfer.models.checks import check_style
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.adain import adain, level_statistics
from ir_transfer.nn.moments import Moments
from ir_transfer.nn.perceptual import CONTENT_LAYERS, LAYERS
from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder

WEIGHTS = "layer_weights"
"""Tensor of a code: weights of the loss layers (B, 7), in the order of :data:`~ir_transfer.nn.perceptual.LAYERS`."""

DEFAULT_SHARE = 0.5
"""Share of training samples whose weights are all 1, the default of a style."""

_CONTENT_OF = (0, 0, 1, 1)
"""Index of the content layer whose slider acts on each level of the neck."""

_FINE = [0, len(CONTENT_LAYERS), len(CONTENT_LAYERS) + 1]
"""Indices of the layers whose sliders act on the contrast of detail, too: all that act at stride 4."""

_STYLES_OF = ((0, 1), (2,), (3,), (4,))
"""Indices of the style layers whose sliders act on each level of the neck."""


class Adjustable(ThermalModel, Sliders):
    """The exemplar's statistics and the weights of the losses determine the scale and shift of every level.

    ``gamma, beta = MLP(s, alpha_c, alpha_s)`` (Babaeizadeh and Ghiasi 2020, section 3): in training the weights alpha
    of content and style losses are random, and the network learns their effect. At inference they are sliders, 1 by
    default; see :meth:`adjust`. The exemplar is described by AdaIN's statistics s, and the network predicts factors and
    offsets for them, initially 1 and 0.

    The translation ends with a tone curve, so sliders only change structure. Besides the learned effect, each has a
    fixed one. The first two style layers act at stride 4, where a weight of 0 keeps the content's own statistics; the
    others scale a level of the neck each, in order of depth. ``content.relu3_1`` scales the content's features relative
    to the exemplar's means at strides 4 and 8, ``content.relu4_1`` at strides 16 and 32. Those that act at stride 4
    also scale the contrast of detail. All gains are 1 at weight 1 and those of ``least_gains`` at weight 0.

    Args:
        info: Declaration of the model.
        exemplar_widths: Channels of the exemplar encoder's levels.
        hidden: Width of the network that predicts scales and shifts.
        least_gains: Gains at weight 0, in the order of :data:`~ir_transfer.nn.perceptual.LAYERS`.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Raises:
        InputError: ``least_gains`` does not have one value in [0, 1] per layer.
    """

    def __init__(
        self,
        info: ModelInfo,
        exemplar_widths: Sequence[int] = (16, 32, 64, 96),
        hidden: int = 128,
        least_gains: Sequence[float] = (0.03, 0.3, 0.03, 0.03, 0.15, 0.1, 0.1),
        **sizes: Any,
    ) -> None:
        if len(least_gains) != len(LAYERS) or not all(0 <= gain <= 1 for gain in least_gains):
            raise InputError(f"expected {len(LAYERS)} least_gains in [0, 1], got {list(least_gains)}")
        own = {"exemplar_widths": list(exemplar_widths), "hidden": hidden, "least_gains": list(least_gains)}
        super().__init__(info, sizes, **own)
        widths = self.neck.widths
        self.exemplar_encoder = ExemplarEncoder(widths, exemplar_widths)
        self.trunk = nn.Sequential(
            nn.Linear(2 * sum(widths) + len(LAYERS), hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        self.heads = nn.ModuleList(nn.Linear(hidden, 2 * width) for width in widths)
        for head in self.heads.parameters():
            nn.init.zeros_(head)  # so that the untrained model equals AdaIN

    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean`` and ``level{l}.std`` (B, C_l), and ``layer_weights`` (B, 7).

        In training mode the weights are drawn from [0, 1], except for :data:`DEFAULT_SHARE` of the samples; they are 1
        otherwise.
        """
        style = level_statistics(self.exemplar_encoder(exemplars))
        weights = torch.ones(len(exemplars), len(LAYERS), device=exemplars.device)
        if self.training:
            drawn = torch.rand(len(exemplars), 1, device=exemplars.device) >= DEFAULT_SHARE
            weights = torch.where(drawn, torch.rand_like(weights), weights)
        return {**style, WEIGHTS: weights}

    def adjust(self, style: StyleCode, layer_weights: Mapping[str, float]) -> StyleCode:
        """Return a style with changed weights of the named loss layers.

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
                raise InputError(f"expected a weight of layer {name} in [0, 1], got {value}: change it")
            weights[:, LAYERS.index(name)] = value
        return replace(style, tensors={**style.tensors, WEIGHTS: weights})

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Normalise features (B, C_l, h, w) of a level and apply the predicted scale and shift."""
        mean, std = style[f"level{level}.mean"], style[f"level{level}.std"]
        stretch, shift = self.heads[level](self._described(style)).chunk(2, dim=1)
        gains, layers = self.gains(style), [len(CONTENT_LAYERS) + layer for layer in _STYLES_OF[level]]
        mean, std = mean + std * shift, gains[:, _CONTENT_OF[level], None] * std * stretch.exp()
        if level == 0:
            return adain(features, moments, mean, std, strength=style[WEIGHTS][:, layers].prod(1, keepdim=True))
        gain = gains[:, layers].prod(1, keepdim=True)
        return adain(features, moments, gain * mean, gain * std)

    def contrast(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the contrast of detail (B, 1), which the sliders that act at stride 4 scale."""
        return super().contrast(style) * self.gains(style)[:, _FINE].prod(1, keepdim=True)

    def gains(self, style: Mapping[str, Tensor]) -> Tensor:
        """Return the fixed gains (B, 7) of a style's weights, in the order of the layers."""
        weights = style[WEIGHTS]
        least = weights.new_tensor(self.hyper_parameters["least_gains"])
        return least + (1 - least) * weights

    def _described(self, style: Mapping[str, Tensor]) -> Tensor:
        levels = range(len(self.neck.widths))
        parts = [style[f"level{level}.{part}"] for level in levels for part in ("mean", "std")]
        statistics = torch.cat(parts, dim=1)
        described: Tensor = self.trunk(
            torch.cat([F.layer_norm(statistics, statistics.shape[1:]), style[WEIGHTS].to(statistics)], dim=1)
        )
        return described
