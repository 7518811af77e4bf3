"""Mean average precision on test scenes, by torchmetrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection import FCOS

from ir_transfer.errors import MissingFileError
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene

Objects = Mapping[str, Tensor]
"""``boxes`` (N, 4), ``labels`` (N,), and ``scores`` (N,) if they were found."""


@dataclass(frozen=True)
class Precision:
    """Average precision as COCO defines it.

    Attributes:
        map: Mean over labels and over IoU from 0.50 to 0.95.
        map50: Mean over labels at an IoU of 0.50.
        per_label: Of every label, over IoU from 0.50 to 0.95.
    """

    map: float
    map50: float
    per_label: Mapping[str, float]


@torch.inference_mode()
def find_objects(detector: FCOS, scenes: Sequence[LabelledScene], device: str = "cpu") -> list[Objects]:
    """Return what a detector finds in the real infrared pictures."""
    found = [detector([scene.real.to(device).float() / 255])[0] for scene in scenes]
    return [{key: value.cpu() for key, value in objects.items()} for objects in found]


def check_torchmetrics() -> None:
    """Refuse to begin what could not be scored in the end.

    Raises:
        MissingFileError: torchmetrics or pycocotools is not installed.
    """
    try:
        import pycocotools.coco  # type: ignore[import-untyped] # noqa: F401
        import torchmetrics.detection  # noqa: F401
    except ImportError as error:
        raise MissingFileError(
            f"expected torchmetrics and pycocotools for --task detect, got: {error}: pip install 'ir-transfer[detect]'"
        ) from error


def mean_average_precision(found: Sequence[Objects], true: Sequence[Objects], labels: Sequence[str]) -> Precision:
    """Score what was found in each scene against what is there.

    Args:
        found: With ``scores``.
        true: In the same order; every label occurs.
        labels: Names of the labels by number.
    """
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(class_metrics=True)
    metric.update([dict(objects) for objects in found], [dict(objects) for objects in true])
    scores = metric.compute()
    numbers, values = scores["classes"].reshape(-1).tolist(), scores["map_per_class"].reshape(-1).tolist()
    per_label = {labels[number]: value for number, value in zip(numbers, values, strict=True)}
    return Precision(scores["map"].item(), scores["map_50"].item(), per_label)
