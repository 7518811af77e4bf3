"""What a loss is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn.perceptual import PerceptualEncoder


@dataclass
class Scene:
    """One training batch with its output, and the features that several losses share.

    Attributes:
        content: (B, 3, H, W) in [0, 1].
        truth: (B, 1, H, W) in [0, 1].
        output: (B, 1, H, W), not clamped.
        vgg: The frozen judge, or None if no loss needs it.
    """

    content: Tensor
    truth: Tensor
    output: Tensor
    vgg: PerceptualEncoder | None = field(default=None, repr=False)

    @cached_property
    def output_features(self) -> dict[str, Tensor]:
        """VGG features of the output."""
        return self._judged(self.output)

    @cached_property
    def truth_features(self) -> dict[str, Tensor]:
        """VGG features of the truth, without gradient."""
        with torch.no_grad():
            return self._judged(self.truth)

    def _judged(self, pictures: Tensor) -> dict[str, Tensor]:
        if self.vgg is None:
            raise InputError("expected a perceptual encoder for a perceptual loss, got none: pass --vgg")
        features: dict[str, Tensor] = self.vgg(pictures)
        return features


class Loss(Protocol):
    """A loss maps a scene to a scalar."""

    def __call__(self, scene: Scene) -> Tensor:
        """Return the scalar loss."""
        ...
