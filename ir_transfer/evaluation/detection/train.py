"""Training of the detector: the same scenes, steps and augmentations for every arm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS

from ir_transfer.evaluation.detection.arms import Arm
from ir_transfer.evaluation.detection.detector import build_detector
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene

BATCH = 8
_RATE = 3e-3
_WARM_UP = 0.1  # share of the steps
_LARGEST_GRADIENT = 5.0


def train_detector(
    arm: Arm,
    scenes: Sequence[LabelledScene],
    labels: Sequence[str],
    *,
    side: int,
    steps: int,
    seed: int,
    device: str = "cpu",
    on_step: Callable[[int, float], None] | None = None,
) -> FCOS:
    """Return a detector that has learnt from an arm's pictures.

    Two arms with one seed begin with the same weights and see the same scenes in the same order, flipped and
    changed in contrast in the same way.

    Args:
        arm: The pictures.
        scenes: Their frames, in the same order.
        labels: What is looked for; other objects are left out.
        side: Longer side of a picture in the detector, in pixels.
        steps: Batches of :data:`BATCH` pictures.
        seed: Of first weights, order and augmentation.
        device: Where it is trained.
        on_step: Called after every step with its number from 1 and its loss.
    """
    detector = build_detector(len(labels), side, seed).to(device).train()
    optimiser = torch.optim.AdamW(detector.parameters(), lr=_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps + 1, pct_start=_WARM_UP)
    targets = [as_target(scene, labels) for scene in scenes]
    random = np.random.default_rng(seed)
    for step in range(1, steps + 1):
        drawn = [_draw(arm, targets, random, device) for _ in range(BATCH)]
        losses = detector([picture for picture, _ in drawn], [target for _, target in drawn])
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
    """Return a scene's objects of these labels as torchvision takes them: ``boxes`` (N, 4), ``labels`` (N,)."""
    numbers = torch.tensor([labels.index(name) if name in labels else -1 for name in scene.labels], dtype=torch.int64)
    return {"boxes": scene.boxes[numbers >= 0], "labels": numbers[numbers >= 0]}


def _draw(
    arm: Arm, targets: Sequence[dict[str, Tensor]], random: np.random.Generator, device: str
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return a picture (1, H, W) and its target; draws as many numbers for every arm."""
    scene = int(random.integers(len(targets)))
    version = arm.versions[int(random.random() * len(arm.versions))]
    gain, offset, flipped = random.uniform(0.7, 1.3), random.uniform(-0.1, 0.1), random.random() < 0.5
    picture = version[scene].to(device).float() / 255
    picture = (picture - 0.5) * gain + 0.5 + offset
    boxes = targets[scene]["boxes"].to(device)
    if flipped:
        picture = picture.flip(-1)
        width = picture.shape[-1]
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], dim=1)
    return picture, {"boxes": boxes, "labels": targets[scene]["labels"].to(device)}
