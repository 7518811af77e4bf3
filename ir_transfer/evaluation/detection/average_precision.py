"""Mean average precision on test scenes: by torchmetrics, and its bootstrap over scenes.

The bootstrap is implemented here because one call of torchmetrics takes as long as 500 resamplings here:
pycocotools loops over detections. The matching takes less code than the tables that pycocotools would need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import FCOS
from torchvision.ops import box_iou

from ir_transfer.errors import MissingFileError
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene

Objects = Mapping[str, Tensor]
"""``boxes`` (N, 4), ``labels`` (N,), and for detections ``scores`` (N,)."""


@dataclass(frozen=True)
class Precision:
    """Average precision as COCO defines it.

    Attributes:
        map: Mean over labels and over IoU from 0.50 to 0.95.
        map50: Mean over labels at an IoU of 0.50.
        per_label: Mean over IoU from 0.50 to 0.95, by label.
    """

    map: float
    map50: float
    per_label: Mapping[str, float]


@torch.inference_mode()
def find_objects(detector: FCOS, scenes: Sequence[LabelledScene], device: str = "cpu") -> list[Objects]:
    """Return the detections in the real infrared images, by scene."""
    found = [detector([scene.real.to(device).float() / 255])[0] for scene in scenes]
    return [{key: value.cpu() for key, value in objects.items()} for objects in found]


def check_torchmetrics() -> None:
    """Check that torchmetrics is installed, before training starts.

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
    """Return the average precision of detections.

    Args:
        found: Detections by scene.
        true: Labelled objects by scene; every label occurs.
        labels: Names of the labels by number.
    """
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(class_metrics=True)
    metric.update([dict(objects) for objects in found], [dict(objects) for objects in true])
    scores = metric.compute()
    numbers, values = scores["classes"].reshape(-1).tolist(), scores["map_per_class"].reshape(-1).tolist()
    per_label = {labels[number]: value for number, value in zip(numbers, values, strict=True)}
    return Precision(scores["map"].item(), scores["map_50"].item(), per_label)


Floats = NDArray[np.float64]
# In single precision as in torchmetrics, where a recall of 3 / 10 is below the threshold 0.3.
_OVERLAPS = torch.linspace(0.5, 0.95, 10).double().numpy()
_RECALLS = torch.linspace(0, 1, 101).double().numpy()


@dataclass(frozen=True)
class _Matches:
    """Detections D of one label in all scenes S, by descending score.

    Attributes:
        scene: Index of the scene (D,).
        hits: Whether an object is matched, at each overlap (10, D).
        objects: Number of objects in every scene (S,).
    """

    scene: NDArray[np.int64]
    hits: NDArray[np.bool_]
    objects: NDArray[np.int64]


def bootstrap_precision(
    found: Sequence[Objects], true: Sequence[Objects], labels: int, counts: Floats
) -> tuple[Floats, Floats]:
    """Return mAP and mAP50 of every resampling (R,), NaN for one without objects.

    With every scene drawn once, they equal those of :func:`mean_average_precision`.

    Args:
        found: Detections by scene.
        true: Labelled objects by scene.
        labels: Number of labels.
        counts: Number of times that each scene is drawn in each resampling (R, S).
    """
    matches = [_match_all(found, true, label) for label in range(labels)]
    means = np.full((len(counts), len(_OVERLAPS)), np.nan)
    for row, drawn in enumerate(counts):
        known = [_average_precision(one, drawn) for one in matches if one.objects @ drawn > 0]
        if known:
            means[row] = np.mean(known, axis=0)
    return means.mean(axis=1), means[:, 0]


def _average_precision(matches: _Matches, drawn: Floats) -> Floats:
    """Return the average precision at each overlap (10,), over 101 recalls."""
    weights = drawn[matches.scene]
    hits = np.cumsum(matches.hits * weights, axis=1)
    seen = np.cumsum(weights)
    recall, precision = hits / (matches.objects @ drawn), hits / np.maximum(seen, 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    found = np.zeros(len(_OVERLAPS))
    for row in range(len(_OVERLAPS)):
        places = np.searchsorted(recall[row], _RECALLS)
        found[row] = np.append(best[row], 0.0)[places].mean()
    return found


def _match_all(found: Sequence[Objects], true: Sequence[Objects], label: int) -> _Matches:
    scenes, hits, scores, objects = [], [], [], []
    for number, (ours, theirs) in enumerate(zip(found, true, strict=True)):
        mine, wanted = ours["labels"] == label, theirs["labels"] == label
        order = ours["scores"][mine].argsort(descending=True, stable=True)
        overlaps = box_iou(ours["boxes"][mine][order].double(), theirs["boxes"][wanted].double()).numpy()
        hits.append(_match(overlaps))
        scores.append(ours["scores"][mine][order].numpy())
        scenes.append(np.full(len(overlaps), number))
        objects.append(int(wanted.sum()))
    descending = np.argsort(-np.concatenate(scores), kind="stable")
    return _Matches(np.concatenate(scenes)[descending], np.concatenate(hits, axis=1)[:, descending], np.array(objects))


def _match(overlaps: Floats) -> NDArray[np.bool_]:
    """Return whether each detection is matched to a distinct object, at each overlap (10, D).

    Args:
        overlaps: IoU (D, O) of detections by descending score and objects.
    """
    hits = np.zeros((len(_OVERLAPS), len(overlaps)), dtype=bool)
    if not overlaps.size:
        return hits
    for row, least in enumerate(_OVERLAPS):
        free = overlaps.copy()
        for detection in range(len(overlaps)):
            best = int(free[detection].argmax())
            if free[detection, best] >= least:
                hits[row, detection] = True
                free[:, best] = -1
    return hits
