"""A compact FCOS detector, and its training on a few hundred small images."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.fcos import FCOSClassificationHead, FCOSHead, FCOSRegressionHead
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from ir_transfer.evaluation.detection.conditions import TrainingCondition
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene

NAME = "compact FCOS version 1"
"""Name to cite with results; its version increases with every change of detector or training."""

_STRIDES = (4, 8, 16)  # of the pyramid; with the usual 8 to 128, people of ten pixels in small images are missed
_WIDTHS = (16, 32, 64, 96)
_CHANNELS = 32
_GROUPS = 8


class _NoExtraLevels(ExtraFPNBlock):  # type: ignore[misc] # torchvision has no types
    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        return results, names


def build_detector(classes: int, side: int, seed: int) -> FCOS:
    """Return an untrained detector of one-channel images in [0, 1].

    FCOS of torchvision (Tian et al. 2019), with a backbone and heads of 0.26 million parameters.

    Args:
        classes: Number of labels, which start at 0.
        side: Longer side in pixels that images are scaled to.
        seed: Seed of the initial weights.
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
    # A ReLU follows, which has no gradient at 0.
    nn.init.constant_(head.regression_head.bbox_reg.bias, 1.5)
    return head


BATCH = 8
"""Images in a batch."""
_RATE = 3e-3
_WARM_UP = 0.1  # share of the steps
_LARGEST_GRADIENT = 5.0


def train_detector(
    condition: TrainingCondition,
    scenes: Sequence[LabelledScene],
    labels: Sequence[str],
    *,
    side: int,
    steps: int,
    seed: int,
    device: str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
) -> FCOS:
    """Return a detector that was trained on the images of a condition.

    Two conditions with one seed have the same initial weights, order of scenes and augmentations.

    Args:
        condition: The training images.
        scenes: Their boxes, in the same order.
        labels: Labels to detect; other objects are ignored.
        side: Longer side of an image in the detector, in pixels.
        steps: Batches of :data:`BATCH` images.
        seed: Seed of initial weights, order and augmentations.
        device: Device of the training.
        on_step: Called after every step with its number from 1 and its loss.
    """
    detector = build_detector(len(labels), side, seed).to(device).train()
    optimiser = torch.optim.AdamW(detector.parameters(), lr=_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps + 1, pct_start=_WARM_UP)
    targets = [as_target(scene, labels) for scene in scenes]
    random = np.random.default_rng(seed)
    for step in range(1, steps + 1):
        drawn = [_draw(condition, targets, random, device) for _ in range(BATCH)]
        losses = detector([image for image, _ in drawn], [target for _, target in drawn])
        loss = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(detector.parameters(), _LARGEST_GRADIENT, error_if_nonfinite=True)
        optimiser.step()
        schedule.step()
        if on_step:
            on_step(step, loss.item())
    return detector.eval()


def as_target(scene: LabelledScene, labels: Sequence[str]) -> dict[str, Tensor]:
    """Return a scene's objects of these labels as a target of torchvision: ``boxes`` (N, 4), ``labels`` (N,)."""
    numbers = torch.tensor([labels.index(name) if name in labels else -1 for name in scene.labels], dtype=torch.int64)
    return {"boxes": scene.boxes[numbers >= 0], "labels": numbers[numbers >= 0]}


def _draw(
    condition: TrainingCondition, targets: Sequence[dict[str, Tensor]], random: np.random.Generator, device: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a random image (1, H, W) and its target; the same number of random values is drawn in every condition."""
    scene = int(random.integers(len(targets)))
    version = condition.versions[int(random.random() * len(condition.versions))]
    gain, offset, flipped = random.uniform(0.7, 1.3), random.uniform(-0.1, 0.1), random.random() < 0.5
    image = version[scene].to(device).float() / 255
    image = (image - 0.5) * gain + 0.5 + offset
    boxes = targets[scene]["boxes"].to(device)
    if flipped:
        image = image.flip(-1)
        width = image.shape[-1]
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)
    return image, {"boxes": boxes, "labels": targets[scene]["labels"].to(device)}
