"""Inputs of a loss (:class:`Scene`) and the traits that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn.perceptual import PerceptualEncoder

CANONICAL_MEAN, CANONICAL_DEVIATION = 0.5, 0.2
"""Mean and deviation of images in canonical tone, in which outputs and ground truths are compared."""


@dataclass
class Scene:
    """One training batch, the output for it, and the VGG features that several losses share.

    Attributes:
        content: RGB images (B, 3, H, W) in [0, 1].
        truth: Ground truth (B, 1, H, W) in [0, 1]: the registered infrared image, or, for a sample without one, an
            infrared image of the requested style.
        output: (B, 1, H, W), not clamped.
        vgg: Frozen perceptual encoder, or None if no loss needs it.
        thermal: Thermal map (B, 1, H / 4, W / 4) in canonical tone; None for models without one.
        classes: Class probabilities (B, 11, H / 4, W / 4); None without labels.
        valid: Pixels that are valid in RGB image and ground truth (B, 1, H, W) bool; None if all are. Elsewhere the
            output is set to the values of the ground truth, so that no loss has a gradient there, and feature
            statistics contain the same share of it on both sides.
    """

    content: Tensor
    truth: Tensor
    output: Tensor
    vgg: PerceptualEncoder | None = field(default=None, repr=False)
    thermal: Tensor | None = None
    classes: Tensor | None = None
    valid: Tensor | None = None

    def __post_init__(self) -> None:
        if self.valid is not None:
            self.output = torch.where(self.valid, self.output, self.truth)

    def counted(self, like: Tensor, reach: int = 0) -> Tensor:
        """Return 1 at positions whose pixels are all valid, else 0: (B, 1, h, w), or (1, 1, 1, 1) if all are.

        Args:
            like: Maps (B, C, h, w) of the scene at any resolution.
            reach: Radius in pixels of the filter around each pixel, within which pixels must be valid too.
        """
        if self.valid is None:
            return like.new_ones(1, 1, 1, 1)
        invalid = (~self.valid).to(like.dtype)
        if reach:
            invalid = F.max_pool2d(invalid, 2 * reach + 1, 1, reach)
        return (F.adaptive_max_pool2d(invalid, (like.shape[-2], like.shape[-1])) == 0).to(like.dtype)

    def mean(self, values: Tensor, reach: int = 0) -> Tensor:
        """Return the mean over samples of the mean of values (B, C, h, w) over the counted positions of each."""
        if self.valid is None:
            return values.mean()
        counted = self.counted(values, reach)
        numbers = counted.sum((1, 2, 3)) * values.shape[1]
        return ((values * counted).sum((1, 2, 3)) / numbers.clamp(min=1)).mean()

    def correlation(self, one: Tensor, other: Tensor, floor: float, reach: int = 0) -> Tensor:
        """Return Pearson's correlation (B,) of two maps (B, 1, h, w) over the counted positions of each sample.

        Args:
            one: For example the output.
            other: Same shape.
            floor: Added to the product of the variances, so that a flat map has no correlation.
            reach: See :meth:`counted`.
        """
        share = self.counted(one, reach).expand_as(one).flatten(1)
        share = share / share.sum(1, keepdim=True).clamp(min=1)
        pair = torch.stack([one, other]).flatten(2)
        pair = pair - (pair * share).sum(-1, keepdim=True)
        variances = (pair.square() * share).sum(-1)
        return (pair[0] * pair[1] * share).sum(-1) / (variances.prod(0) + floor).sqrt()

    @cached_property
    def output_features(self) -> Mapping[str, Tensor]:
        """VGG features of the output."""
        return self._features("output")

    @cached_property
    def truth_features(self) -> Mapping[str, Tensor]:
        """VGG features of the ground truth, without gradient."""
        with torch.no_grad():
            return self._features("truth")

    @cached_property
    def content_features(self) -> Mapping[str, Tensor]:
        """VGG features of the RGB image, without gradient."""
        with torch.no_grad():
            return self._features("content")

    def subset(self, chosen: Tensor) -> Scene:
        """Return the samples where ``chosen`` (B,) bool is true; computed features are reused."""
        if bool(chosen.all()):
            return self
        return _Subset(self, chosen)

    def _features(self, name: str) -> Mapping[str, Tensor]:
        if self.vgg is None:
            raise InputError("expected a perceptual encoder for a perceptual loss, got none: pass --vgg")
        features: dict[str, Tensor] = self.vgg(getattr(self, name))
        return features


class _Subset(Scene):
    """Some samples of a scene, with the features of the whole scene indexed."""

    def __init__(self, whole: Scene, chosen: Tensor) -> None:
        maps = [None if maps is None else maps[chosen] for maps in (whole.thermal, whole.classes, whole.valid)]
        super().__init__(whole.content[chosen], whole.truth[chosen], whole.output[chosen], whole.vgg, *maps)
        self._whole, self._chosen = whole, chosen

    def _features(self, name: str) -> Mapping[str, Tensor]:
        whole: Mapping[str, Tensor] = getattr(self._whole, f"{name}_features")
        return {level: features[self._chosen] for level, features in whole.items()}


@dataclass(frozen=True)
class Traits:
    """Declared requirements of a loss.

    Attributes:
        reference: The reference of the output. ``truth``: the registered ground truth, which is required;
            ``style``: statistics of the ground truth, or of an infrared image of the style where there is none;
            ``content``: the RGB image alone; ``labels``: the expected appearance of labelled classes, for samples
            without a ground truth.
        needs_vgg: Whether the loss needs the perceptual encoder.
        batchwise: Whether the loss is not a mean over samples, so that the mean of two half batches differs from the
            value of the whole batch, and training in several processes differs slightly from training in one.
    """

    reference: Literal["truth", "style", "content", "labels"]
    needs_vgg: bool = False
    batchwise: bool = False


@dataclass(frozen=True)
class Loss(Traits):
    """A loss that maps a scene to a scalar."""

    function: Callable[[Scene], Tensor] = field(kw_only=True)

    def __call__(self, scene: Scene) -> Tensor:
        """Return the scalar loss."""
        return self.function(scene)
