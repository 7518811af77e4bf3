"""How well a content encoder agrees with the labels of RGB images held back, by class, by day and by night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.soft_labels import CLASSES, probabilities
from ir_transfer.nn.content_encoder import ContentEncoder, class_probabilities
from ir_transfer.training.degrade import darken
from ir_transfer.training.distillation.labelled_images import LabelledImage

PERSON = CLASSES.index("person")


@dataclass(frozen=True)
class Agreement:
    """Agreement with the labels' likeliest class over all positions of some RGB images.

    Attributes:
        count: Number of images.
        pixels: Share of positions with the same class.
        majority: The same of the answer that is always the commonest class.
        recall: By class, share of the label's positions that are found; NaN for a class that does not occur.
        precision: By class, share of the found positions that the label has; NaN for a class that is never found.
        people: Recall of people where the threshold gives the precision that the labels claim for themselves: their
            mean probability where person is likeliest.
        people_precision: That precision.
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
        images: Held back from its training.
        darkened: Whether the RGB images are shown as if taken at night, with the labels of the daylight ones.
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
    """Return the largest recall among thresholds whose precision is at least the given one; 0 if there is none.

    Args:
        scores: Of every position (N,).
        positive: Whether each is of the class (N,) bool.
        precision: In [0, 1].
    """
    ordered, order = scores.sort(descending=True)
    hits = positive[order].double().cumsum(0)
    # A threshold takes all positions of one score, or none.
    last = torch.cat([ordered[1:] != ordered[:-1], torch.ones(1, dtype=torch.bool)])
    reached = last & (hits / torch.arange(1, len(hits) + 1) >= precision)
    return float((hits[reached].max() / hits[-1]).item()) if bool(reached.any()) and hits[-1] > 0 else 0.0
