"""Equations 1 to 7 of Gatys, Ecker and Bethge 2016 (the CVPR version of arXiv:1508.06576)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ir_transfer.models.gatys.network import Features
from ir_transfer.nn.gram import gram_matrix

LEAST_SCALE = 1e-3
"""Least mean activation of a layer that is divided by; below it, the layer is inactive."""


def content_loss(features: Tensor, wanted: Tensor) -> Tensor:
    """Return half the squared distance () between two feature maps (B, C, h, w) (equation 1)."""
    return (features - wanted).square().sum() / 2


def layer_style_loss(gram: Tensor, wanted: Tensor) -> Tensor:
    """Return ``1 / (4 N^2 M^2) sum (G - A)^2`` (equation 4) from ``G / M`` and ``A / M``, each (1, N, N).

    Gram matrices divided by M can be compared between images of different sizes.
    """
    return (gram - wanted).square().sum() / (4 * gram.shape[-1] ** 2)


@dataclass(frozen=True)
class Aim:
    """Objective of the optimisation: a callable from the image to its weighted losses (equation 7).

    The paper scales VGG so that its mean activation over ImageNet is 1. Here the features of each layer are divided by
    their mean over the images of the run, so that one pair of weights fits every network.

    Attributes:
        encoder: Network that computes the features.
        content: Target features by layer; empty for style only.
        style: Target ``A / M`` by layer, of unscaled features; empty for content only.
        scales: Mean activation of each layer.
        content_weight: ``alpha``, of the mean over features, since the sum of equation 1 grows with the image.
        style_weight: ``beta``; the layers share it equally (``w_l`` of equation 5).
    """

    encoder: Features
    content: Mapping[str, Tensor] = field(default_factory=dict)
    style: Mapping[str, Tensor] = field(default_factory=dict)
    scales: Mapping[str, Tensor] = field(default_factory=dict)
    content_weight: float = 1.0
    style_weight: float = 1.0

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return the weighted losses ``content`` and ``style`` whose targets are set, of an image (1, 1, H, W)."""
        features = self.encoder.at(image, {*self.content, *self.style})
        found = {}
        if self.content:
            layers = [
                content_loss(features[name], wanted) / wanted.numel() / self.scales[name] ** 2
                for name, wanted in self.content.items()
            ]
            found["content"] = self.content_weight * torch.stack(layers).mean()
        if self.style:
            layers = [
                layer_style_loss(gram_matrix(features[name]), wanted) / self.scales[name] ** 4
                for name, wanted in self.style.items()
            ]
            found["style"] = self.style_weight * torch.stack(layers).mean()
        return found
