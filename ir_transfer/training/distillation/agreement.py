"""Agreement of a content encoder with the labels of held-out RGB images, by class, by day and by night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.labels.soft_labels import CLASSES, probabilities
from ir_transfer.nn.content_encoder import ContentEncoder, class_probabilities
from ir_transfer.training.degrade import darken
from ir_transfer.training.distillation.labelled_images import LabelledImage

PERSON = CLASSES.index("person")


@dataclass(frozen=True)
class Agreement:
    """Agreement with the most likely class of the labels over the valid positions of held-out RGB images.

    Attributes:
        count: Number of images.
        pixels: Share of positions with the same class.
        majority: The same for the constant prediction of the most frequent class.
        recall: Recall by class; NaN for a class that does not occur.
        precision: Precision by class; NaN for a class that is never predicted.
        people: Recall of people at the threshold that gives the precision ``people_precision``.
        people_precision: Mean probability of people in the labels where person is the most likely class.
    """

    count: int
    pixels: float
    majority: float
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    people: float
    people_precision: float


@torch.inference_mode()
def measure_agreement(encoder: ContentEncoder, images: Iterable[LabelledImage], *, darkened: bool = False) -> Agreement:
    """Return the agreement of an encoder with the labels.

    Args:
        encoder: In evaluation mode.
        images: Held-out images.
        darkened: Whether the images are darkened as if taken at night; labels are unchanged.
    """
    confusion = np.zeros((len(CLASSES), len(CLASSES)))
    scores, people, claimed, count = [], [], [], 0
    for count, photo in enumerate(images, start=1):
        image = torch.from_numpy(photo.pixels.copy()).permute(2, 0, 1).float() / 255
        if darkened:
            image = darken(image, np.random.default_rng(count))
        found = class_probabilities(encoder(image[None]).logits)
        labels = probabilities(photo.labels)
        found = F.interpolate(found, labels.shape[-2:], mode="bilinear", align_corners=False)[0]
        if photo.valid is not None:
            valid = torch.from_numpy(photo.valid)
            found, labels = found[:, valid], labels[:, valid]
        wanted, answer = labels.argmax(0).flatten(), found.argmax(0).flatten()
        confusion += np.bincount(wanted * len(CLASSES) + answer, minlength=len(CLASSES) ** 2).reshape(confusion.shape)
        scores.append(found[PERSON].flatten())
        people.append(wanted == PERSON)
        claimed.append(labels[PERSON].flatten()[wanted == PERSON])
    precision = float(torch.cat(claimed).mean()) if sum(len(part) for part in claimed) else float("nan")
    with np.errstate(invalid="ignore"):
        return Agreement(
            count,
            float(np.trace(confusion) / confusion.sum()),
            float(confusion.sum(1).max() / confusion.sum()),
            np.diag(confusion) / confusion.sum(1),
            np.diag(confusion) / confusion.sum(0),
            recall_at(torch.cat(scores), torch.cat(people), precision),
            precision,
        )


def recall_at(scores: Tensor, positive: Tensor, precision: float) -> float:
    """Return the largest recall among thresholds with at least the given precision; 0 if there is none.

    Args:
        scores: Score of every position (N,).
        positive: Whether each position is of the class (N,) bool.
        precision: Smallest precision in [0, 1].
    """
    ordered, order = scores.sort(descending=True)
    hits = positive[order].double().cumsum(0)
    # Positions with equal scores are above or below a threshold together.
    last = torch.cat([ordered[1:] != ordered[:-1], torch.ones(1, dtype=torch.bool)])
    reached = last & (hits / torch.arange(1, len(hits) + 1) >= precision)
    return float((hits[reached].max() / hits[-1]).item()) if bool(reached.any()) and hits[-1] > 0 else 0.0
