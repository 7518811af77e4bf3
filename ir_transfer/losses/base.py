"""What a loss is given, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn.perceptual import PerceptualEncoder

CANONICAL_MEAN, CANONICAL_DEVIATION = 0.5, 0.2
"""Mean and deviation of images in canonical tone, in which outputs and ground truths are compared."""


@dataclass
class Scene:
    """One training batch with its output, and the features that several losses share.

    Attributes:
        content: (B, 3, H, W) in [0, 1].
        truth: (B, 1, H, W) in [0, 1]: the registered infrared, or, for a sample that has none, an infrared picture of
            the look that is asked for.
        output: (B, 1, H, W), not clamped.
        vgg: The frozen judge, or None if no loss needs it.
        thermal: Thermal map (B, 1, H / 4, W / 4) in canonical tone, of a model that has one.
        classes: Class probabilities (B, 11, H / 4, W / 4), where labels are known.
    """

    content: Tensor
    truth: Tensor
    output: Tensor
    vgg: PerceptualEncoder | None = field(default=None, repr=False)
    thermal: Tensor | None = None
    classes: Tensor | None = None

    @cached_property
    def output_features(self) -> Mapping[str, Tensor]:
        """VGG features of the output."""
        return self._judged("output")

    @cached_property
    def truth_features(self) -> Mapping[str, Tensor]:
        """VGG features of the truth, without gradient."""
        with torch.no_grad():
            return self._judged("truth")

    @cached_property
    def content_features(self) -> Mapping[str, Tensor]:
        """VGG features of the photograph, without gradient."""
        with torch.no_grad():
            return self._judged("content")

    def part(self, chosen: Tensor) -> Scene:
        """Return the samples where ``chosen`` (B,) bool is true; features are not computed twice."""
        if bool(chosen.all()):
            return self
        return _Part(self, chosen)

    def _judged(self, picture: str) -> Mapping[str, Tensor]:
        if self.vgg is None:
            raise InputError("expected a perceptual encoder for a perceptual loss, got none: pass --vgg")
        features: dict[str, Tensor] = self.vgg(getattr(self, picture))
        return features


class _Part(Scene):
    """Some samples of a scene, whose features are taken from it."""

    def __init__(self, whole: Scene, chosen: Tensor) -> None:
        maps = [None if maps is None else maps[chosen] for maps in (whole.thermal, whole.classes)]
        super().__init__(whole.content[chosen], whole.truth[chosen], whole.output[chosen], whole.vgg, *maps)
        self._whole, self._chosen = whole, chosen

    def _judged(self, picture: str) -> Mapping[str, Tensor]:
        whole: Mapping[str, Tensor] = getattr(self._whole, f"{picture}_features")
        return {level: features[self._chosen] for level, features in whole.items()}


@dataclass(frozen=True)
class Traits:
    """What a loss needs.

    Attributes:
        sees: ``truth`` compares with the registered truth and is of no use without one; ``labels`` scores only the
            samples that have class labels in place of a registered truth; ``look`` compares statistics, with the
            truth or else with an infrared picture of the look; ``content`` needs the photograph alone.
        judge: Whether it needs the perceptual VGG.
        batchwise: Whether it is more than a mean over samples, so that a batch in two halves has another value than
            the whole one; several processes then differ slightly from one.
    """

    sees: Literal["truth", "labels", "look", "content"]
    judge: bool = False
    batchwise: bool = False


@dataclass(frozen=True)
class Loss(Traits):
    """A loss that maps a scene to a scalar.

    Attributes:
        function: The formula.
    """

    function: Callable[[Scene], Tensor] = field(kw_only=True)

    def __call__(self, scene: Scene) -> Tensor:
        """Return the scalar loss."""
        return self.function(scene)
