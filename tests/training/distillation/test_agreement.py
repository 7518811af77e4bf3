from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ir_transfer.nn.content_encoder import CLASS_COUNT, ContentEncoder, ContentFeatures
from ir_transfer.training.distillation.agreement import measure_agreement, recall_at
from ir_transfer.training.distillation.labelled_images import LabelledImage
from tests.training.views_of import painted


class ByRed(ContentEncoder):
    """Classifies a painted RGB image by its red level, and people in its left half as vehicles."""

    def forward(self, images: Tensor) -> ContentFeatures:
        red = torch.nn.functional.avg_pool2d(images[:, 0], 4) * 255 / 20
        classes = red.round().long().clamp(0, CLASS_COUNT - 1)
        left = torch.arange(classes.shape[-1]) < classes.shape[-1] // 2
        classes = torch.where((classes == 1) & left, 3, classes)
        return ContentFeatures((), 20.0 * torch.nn.functional.one_hot(classes, CLASS_COUNT).permute(0, 3, 1, 2))


def photographs(count: int = 3) -> list[LabelledImage]:
    found = []
    for seed in range(count):
        photograph, _, labels = painted(seed=seed)
        labels[..., 1] = 204
        labels[..., 3] = 30
        found.append(LabelledImage(Path(f"{seed}.png"), photograph, labels))
    return found


def test_agreement_is_counted_by_class() -> None:
    photos = photographs()
    found = measure_agreement(ByRed(), photos)
    wanted = np.stack([photo.labels[..., 0] for photo in photos])
    answer = wanted.copy()
    answer[..., :16] = np.where(wanted[..., :16] == 1, 3, wanted[..., :16])
    assert found.count == 3
    assert found.pixels == pytest.approx(np.mean(answer == wanted))
    assert found.majority == pytest.approx(np.bincount(wanted.ravel()).max() / wanted.size)
    for number in range(11):
        is_it, said = wanted == number, answer == number
        assert found.recall[number] == pytest.approx((is_it & said).sum() / is_it.sum())
        assert found.precision[number] == pytest.approx((is_it & said).sum() / said.sum())
    assert found.people_precision == pytest.approx(0.8, abs=1e-3), "what the labels claim of their people"
    assert found.people == pytest.approx(found.recall[1], abs=1e-6)


def test_invalid_positions_do_not_count() -> None:
    (photo,) = photographs(1)
    right = np.tile(np.arange(32) >= 16, (24, 1))
    assert measure_agreement(ByRed(), [photo]).pixels < 1
    assert measure_agreement(ByRed(), [replace(photo, valid=right)]).pixels == 1
    assert measure_agreement(ByRed(), [replace(photo, valid=~right)]).pixels < 1


def test_without_people_scores_are_undefined() -> None:
    (photo,) = photographs(1)
    photo.labels[..., 0] = 7
    found = measure_agreement(ByRed(), [photo])
    assert math.isnan(found.recall[1])
    assert math.isnan(found.people_precision)
    assert found.people == 0


def test_darkened_images_keep_their_labels() -> None:
    light, dark = (measure_agreement(ByRed(), photographs(), darkened=d) for d in (False, True))
    assert light.majority == dark.majority
    assert dark.pixels < light.pixels - 0.2
    assert measure_agreement(ByRed(), photographs(), darkened=True).pixels == dark.pixels


def direct(scores: Tensor, positive: Tensor, precision: float) -> float:
    best = 0.0
    for threshold in sorted({*scores.tolist()}):
        found = scores >= threshold
        hits = (found & positive).sum().item()
        if hits / found.sum().item() >= precision:
            best = max(best, hits / positive.sum().item())
    return best


@pytest.mark.parametrize("precision", [0.0, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("levels", [1000, 6])
def test_recall_uses_the_best_threshold(precision: float, levels: int) -> None:
    generator = torch.Generator().manual_seed(levels)
    positive = torch.rand(300, generator=generator) < 0.2
    scores = ((positive * 0.3 + torch.rand(300, generator=generator)) * levels).round() / levels
    assert recall_at(scores, positive, precision) == pytest.approx(direct(scores, positive, precision))


def test_unreachable_precision_gives_recall_0() -> None:
    scores, none = torch.tensor([0.9, 0.1]), torch.tensor([False, False])
    assert recall_at(scores, none, 0.5) == 0
    assert recall_at(scores, torch.tensor([False, True]), 0.9) == 0
    assert recall_at(scores, torch.tensor([True, False]), math.nan) == 0
    tied = torch.ones(4), torch.tensor([True, False, False, False])
    assert recall_at(*tied, 0.5) == 0, "all of one score or none"
