"""Hints: an encoder learns what a network that has seen millions of photographs sees in a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError

_RARE = 4.0  # deviations: a channel that fires once in a thousand pictures must not rule the mean


class FeatureHints(nn.Module):
    """Predicts a judge's features from an encoder's, level by level (Romero et al. 2015, FitNets, equation 3).

    A few hundred pairs do not teach what a person or a sky is. The judge knows, and its features of any photograph
    are a dense target that needs no infrared. The 1x1 regressors are thrown away after the training.

    Args:
        widths: Channels of the encoder's levels.
        judged: Channels of the judge's levels, of the same sizes in pixels; deeper ones than the encoder has are left.
    """

    def __init__(self, widths: Sequence[int], judged: Sequence[int]) -> None:
        super().__init__()
        self.regressors = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, judged, strict=False))
        # The judge's channels differ a thousandfold in scale, and some hardly vary: running moments standardise them.
        self.moments = nn.ModuleList(nn.BatchNorm2d(w, eps=1e-10, affine=False) for w in judged[: len(widths)])
        self._seen: list[Tensor] = []

    def see(self, features: Sequence[Tensor]) -> None:
        """Take the features of a pass, one per level, shallowest first."""
        self._seen = list(features)

    def watch(self, encoder: nn.Module) -> None:
        """Note the features of every pass through an encoder that answers with one per level, shallowest first."""
        encoder.register_forward_hook(self._note)

    def _note(self, encoder: nn.Module, inputs: object, features: Sequence[Tensor] | Mapping[str, Tensor]) -> None:
        levels = range(1, len(self.regressors) + 1)
        if isinstance(features, Mapping):
            self._seen = [features[f"level{i}"] for i in levels]
        else:
            self._seen = list(features)

    def forward(self, targets: Mapping[str, Tensor]) -> Tensor:
        """Return the unexplained share of the targets' variance in the last pass, averaged over channels and levels.

        Args:
            targets: The judge's features of the same photographs, (B, D_l, h_l, w_l) by level.

        Raises:
            InputError: No encoder was watched, or it has not run yet.
        """
        if not self._seen:
            raise InputError("expected a watched encoder's features, got none: call watch() and run the encoder first")
        shares = []
        levels = zip(self.regressors, self.moments, self._seen, targets.values(), strict=False)
        for regressor, moments, feature, target in levels:
            wanted = moments(target.float()).clamp(-_RARE, _RARE)
            shares.append((regressor(feature).float() - wanted).square().mean())
        self._seen = []
        return torch.stack(shares).mean()
