"""Feature hints: an encoder is trained to predict the features of a frozen pretrained VGG."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError

_RARE = 4.0  # deviations: limits the influence of channels that are rarely active


class FeatureHints(nn.Module):
    """Predicts VGG features from an encoder's features, level by level (Romero et al. 2015, FitNets, equation 3).

    A few hundred pairs do not teach an encoder to recognise people or sky; the features of a pretrained VGG are a
    dense target that needs no infrared image. The 1x1 regressors are not part of the trained model.

    Args:
        widths: Channels of the encoder's levels.
        target_widths: Channels of the VGG's levels, of the same sizes in pixels; levels deeper than the encoder's are
            ignored.
    """

    def __init__(self, widths: Sequence[int], target_widths: Sequence[int]) -> None:
        super().__init__()
        self.regressors = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(widths, target_widths, strict=False))
        # VGG channels differ by a factor of 1000 in scale: running moments standardise them.
        self.moments = nn.ModuleList(nn.BatchNorm2d(w, eps=1e-10, affine=False) for w in target_widths[: len(widths)])
        self._seen: list[Tensor] = []

    def set_features(self, features: Sequence[Tensor]) -> None:
        """Set the encoder features (B, C_l, h_l, w_l) of a forward pass, one per level, shallowest first."""
        self._seen = list(features)

    def attach(self, encoder: nn.Module) -> None:
        """Record the features of every forward pass of an encoder, which returns one per level, shallowest first."""
        encoder.register_forward_hook(self._record)

    def _record(self, encoder: nn.Module, inputs: object, features: Sequence[Tensor] | Mapping[str, Tensor]) -> None:
        levels = range(1, len(self.regressors) + 1)
        if isinstance(features, Mapping):
            self._seen = [features[f"level{i}"] for i in levels]
        else:
            self._seen = list(features)

    def forward(self, targets: Mapping[str, Tensor]) -> Tensor:
        """Return the unexplained share of the targets' variance in the last pass, averaged over channels and levels.

        Args:
            targets: VGG features of the same RGB images, (B, D_l, h_l, w_l) by level.

        Raises:
            InputError: No encoder is attached, or it has not run since the last call.
        """
        if not self._seen:
            raise InputError("expected features of an encoder, got none: call attach() and run the encoder first")
        shares = []
        levels = zip(self.regressors, self.moments, self._seen, targets.values(), strict=False)
        for regressor, moments, feature, target in levels:
            wanted = moments(target.float()).clamp(-_RARE, _RARE)
            shares.append((regressor(feature).float() - wanted).square().mean())
        self._seen = []
        return torch.stack(shares).mean()
