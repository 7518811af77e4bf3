"""Style swap: patches of the neck's features are replaced by the exemplar's most similar ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.building import build_sized
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.style_code import as_part
from ir_transfer.models.style_swap.paper import PaperStyleSwap, weighted_swaps
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.adain import adain, level_statistics
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Moments, channel_moments, standardised_by
from ir_transfer.nn.patch_swap import check_patch
from ir_transfer.nn.thermal.exemplar_encoder import SHORT_SIDE, ExemplarEncoder

SWAP_LEVEL = 1
"""Level of the neck that is swapped: stride 8, where an exemplar of 128 x 160 pixels has 252 patches of 3 x 3."""

_LEAST_SHARE = 0.5
_FIRST_GATE = -2.0  # the initial share of the swap is .56, where the thermal map is close to AdaIN's
_COMMITMENT = 0.25
_EPS = 1e-3


class StyleSwap(ThermalModel):
    """AdaIN at every level of the neck, and at stride 8 patches of the exemplar's features.

    Chen and Schmidt 2016. Overlapping patches of the neck's standardised features are replaced by the exemplar's most
    similar ones by normalised cross correlation, and overlaps are averaged. The share of swapped features is learned
    per channel, and at least a half. Since the exemplar has an encoder of its own, the features must be trained to
    match: the choice of a patch passes its gradient to the neck's features unchanged, and a commitment loss draws them
    to their replacement (van den Oord et al. 2017, equation 3).

    Args:
        info: Declaration of the model.
        exemplar_widths: Channels of the exemplar encoder's levels.
        patch: Side of a swapped patch, in positions of the level (eight pixels each); odd.
        stride: Step between swapped patches, at most their side.
        short_side: Short side in pixels to which an exemplar is resized. It, ``patch`` and ``stride`` may differ from
            those of the training.
        **sizes: See :class:`~ir_transfer.models.thermal.ThermalModel`.

    Raises:
        InputError: An even patch.
    """

    run_options: Mapping[str, RunOption] = {
        "patch": RunOption("side of a swapped patch, in features of eight pixels", int, 1, 15, odd=True),
        "stride": RunOption("step between swapped patches, at most their side", int, 1, 15),
        "short_side": RunOption("short side in pixels to which exemplars are resized", int, SMALLEST_SIDE),
    }

    def __init__(
        self,
        info: ModelInfo,
        exemplar_widths: Sequence[int] = (16, 32, 64, 96),
        patch: int = 3,
        stride: int = 1,
        short_side: int = SHORT_SIDE,
        **sizes: Any,
    ) -> None:
        if patch % 2 == 0:
            raise InputError(f"expected an odd patch, got {patch}")
        own = {"exemplar_widths": list(exemplar_widths), "patch": patch, "stride": stride, "short_side": short_side}
        super().__init__(info, sizes, **own)
        self.exemplar_encoder = ExemplarEncoder(self.neck.widths, exemplar_widths)
        self.gate = nn.Parameter(torch.full((self.neck.widths[SWAP_LEVEL],), _FIRST_GATE))
        self._commitment: Tensor | None = None

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the requested size or that of the file; see :func:`ir_transfer.create_model`."""
        size = hyper_parameters.pop("size", None)
        if encoder_weights is None:
            return build_sized(SIZES, info, weights, size, hyper_parameters)
        if weights is not None or size not in {None, "vgg19"}:
            raise InputError(
                f"expected weights=None and size='vgg19' beside encoder_weights, got {weights!s} and {size!r}: the "
                "inverse network is not published, train it"
            )
        return PaperStyleSwap.with_encoder(info, encoder_weights, **hyper_parameters)

    @property
    def share(self) -> Tensor:
        """Share of swapped features of each channel (C,), in [0.5, 1]."""
        return _LEAST_SHARE + (1 - _LEAST_SHARE) * torch.sigmoid(self.gate)

    def encode_style(self, exemplars: Tensor) -> dict[str, Tensor]:
        """Return ``level{l}.mean`` and ``level{l}.std`` (B, C_l), and the features to swap.

        These are ``part0.features`` (B, C, h, w), standardised.
        """
        encoded = self.exemplar_encoder(exemplars, self.hyper_parameters["short_side"])
        check_patch(encoded[SWAP_LEVEL], self.hyper_parameters["patch"])
        swapped = encoded[SWAP_LEVEL]
        features = standardised_by(swapped, channel_moments(swapped), _EPS)
        return {**level_statistics(encoded, _EPS), **as_part({"features": features})}

    def align(self, level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        """Swap features (B, C_l, h, w) at :data:`SWAP_LEVEL`, and give those of any level the exemplar's statistics."""
        mean, std = style[f"level{level}.mean"], style[f"level{level}.std"]
        if level != SWAP_LEVEL:
            return adain(features, moments, mean, std)
        mixed = self._swapped(standardised_by(features, moments), style)
        return mixed * std[..., None, None].to(mixed) + mean[..., None, None].to(mixed)

    def _swapped(self, features: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        swapped = weighted_swaps(
            features, style, "features", self.hyper_parameters["patch"], self.hyper_parameters["stride"]
        ).to(features.dtype)
        if self.training:
            self._commitment = (features - swapped.detach()).float().square().mean()
            swapped = swapped + (features - features.detach())
        return features + (swapped - features) * self.share[:, None, None].to(features.dtype)

    def auxiliary_loss(self) -> Tensor | None:
        """Return the commitment loss () of the last translation in training, once."""
        commitment, self._commitment = self._commitment, None
        return None if commitment is None else _COMMITMENT * commitment


SIZES: dict[str, type[TranslationModel]] = {"compact": StyleSwap, "vgg19": PaperStyleSwap}
