"""The compact detector."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.evaluation.detection.detector import build_detector


def test_same_seed_same_weights_and_the_callers_numbers_stay() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = build_detector(2, 64, 0), build_detector(2, 64, 0), build_detector(2, 64, 1)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
    assert sum(parameter.numel() for parameter in one.parameters()) < 300_000


@pytest.mark.parametrize("size", [(48, 64), (37, 51), (96, 20)])
def test_frames_are_in_the_pixels_of_the_picture_whatever_its_size(size: tuple[int, int]) -> None:
    height, width = size
    (found,) = build_detector(1, 64, 0).eval()([torch.rand(1, height, width)])
    limits = torch.tensor([width, height, width, height])
    assert found["boxes"].shape[1] == 4
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= limits).all()


def test_pictures_without_objects_teach_too() -> None:
    target = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = build_detector(2, 32, 0).train()([torch.rand(1, 32, 32)], [target])
    assert losses["classification"] > 0
    assert losses["bbox_regression"] == 0
