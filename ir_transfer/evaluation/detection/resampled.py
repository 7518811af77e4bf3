"""Mean average precision of many resamplings of the test scenes, from one matching of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import box_iou

from ir_transfer.evaluation.detection.score import Objects

Floats = NDArray[np.float64]
# Rounded to single precision as those of torchmetrics: a recall of 3 / 10 then does not reach 0.3.
_OVERLAPS = torch.linspace(0.5, 0.95, 10).double().numpy()
_RECALLS = torch.linspace(0, 1, 101).double().numpy()


@dataclass(frozen=True)
class _Matches:
    """What was found of one label in all scenes, from the surest to the least sure.

    Attributes:
        scene: Number of the scene (D,).
        hits: Whether it is an object at each overlap (10, D).
        objects: Objects in every scene (S,).
    """

    scene: NDArray[np.int64]
    hits: NDArray[np.bool_]
    objects: NDArray[np.int64]


def resampled_precision(
    found: Sequence[Objects], true: Sequence[Objects], labels: int, counts: Floats
) -> tuple[Floats, Floats]:
    """Return mAP and mAP50 of every resampling (R,), NaN for one without objects.

    The figure of scenes drawn once each is that of :func:`~ir_transfer.evaluation.detection.score.
    mean_average_precision`, which takes seconds per call: too long for hundreds of resamplings.

    Args:
        found: Per scene, with ``scores``.
        true: Per scene.
        labels: Number of labels.
        counts: How often each scene is drawn in each resampling (R, S).
    """
    matches = [_match_all(found, true, label) for label in range(labels)]
    means = np.full((len(counts), len(_OVERLAPS)), np.nan)
    for row, drawn in enumerate(counts):
        known = [_average_precision(one, drawn) for one in matches if one.objects @ drawn > 0]
        if known:
            means[row] = np.mean(known, axis=0)
    return means.mean(axis=1), means[:, 0]


def _average_precision(matches: _Matches, drawn: Floats) -> Floats:
    """Return the average precision at each overlap (10,), with the precision of each of 101 recalls."""
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
    surest = np.argsort(-np.concatenate(scores), kind="stable")
    return _Matches(np.concatenate(scenes)[surest], np.concatenate(hits, axis=1)[:, surest], np.array(objects))


def _match(overlaps: Floats) -> NDArray[np.bool_]:
    """Return whether each frame found (D, from the surest) gets an object (O) of its own, at each overlap (10, D)."""
    hits = np.zeros((len(_OVERLAPS), len(overlaps)), dtype=bool)
    if not overlaps.size:
        return hits
    for row, least in enumerate(_OVERLAPS):
        free = overlaps.copy()
        for frame in range(len(overlaps)):
            best = int(free[frame].argmax())
            if free[frame, best] >= least:
                hits[row, frame] = True
                free[:, best] = -1
    return hits
