"""A detector that learns from a few hundred small pictures, from nothing, on one core."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

NAME = "compact FCOS version 1"
"""How a figure is quoted; the version is raised by every change of detector or training that moves a figure."""

_STRIDES = (4, 8, 16)  # people in small pictures are ten pixels high: the usual strides of 8 to 128 miss them
_WIDTHS = (16, 32, 64, 96)
_CHANNELS = 32
_GROUPS = 8


class _NoExtraLevels(ExtraFPNBlock):  # type: ignore[misc] # torchvision has no types
    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        return results, names


def build_detector(classes: int, side: int, seed: int) -> FCOS:
    """Return an untrained detector of one-channel pictures in [0, 1].

    FCOS (Tian et al. 2019) as torchvision has it, with a backbone and heads of 0.26 million weights in all.

    Args:
        classes: Number of labels; they are counted from 0.
        side: Pictures are scaled so that their longer side has so many pixels.
        seed: Of the first weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages: OrderedDict[str, nn.Module] = OrderedDict(stem=_convolution(1, _WIDTHS[0], stride=2))
        for stride, (before, after) in zip(_STRIDES, pairwise(_WIDTHS), strict=True):
            stages[f"stride{stride}"] = nn.Sequential(
                *_convolution(before, after, stride=2), *_convolution(after, after, stride=1)
            )
        names = {f"stride{stride}": str(level) for level, stride in enumerate(_STRIDES)}
        pyramid = BackboneWithFPN(
            nn.Sequential(stages), names, list(_WIDTHS[1:]), _CHANNELS, extra_blocks=_NoExtraLevels()
        )
        return FCOS(
            pyramid,
            classes,
            min_size=side,
            max_size=side,
            image_mean=[0.45],
            image_std=[0.25],
            anchor_generator=AnchorGenerator(tuple((s,) for s in _STRIDES), ((1.0,),) * len(_STRIDES)),
            head=_head(classes),
            score_thresh=0.02,
            size_divisible=_STRIDES[-1],
        )


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


def _head(classes: int) -> FCOSHead:
    norm = partial(nn.GroupNorm, _GROUPS)
    head = FCOSHead(_CHANNELS, 1, classes, num_convs=1)
    head.classification_head = FCOSClassificationHead(_CHANNELS, 1, classes, num_convs=1, norm_layer=norm)
    head.regression_head = FCOSRegressionHead(_CHANNELS, 1, num_convs=1, norm_layer=norm)
    # Sides go through a ReLU, which at zero would pass no gradient.
    nn.init.constant_(head.regression_head.bbox_reg.bias, 1.5)
    return head
