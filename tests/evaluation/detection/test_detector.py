"""The detector and its training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ir_transfer.evaluation.detection.average_precision import find_objects, mean_average_precision
from ir_transfer.evaluation.detection.conditions import TrainingCondition
from ir_transfer.evaluation.detection.detector import as_target, build_detector, train_detector
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene


def test_equal_seeds_give_equal_weights_and_keep_the_global_rng_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = build_detector(2, 64, 0), build_detector(2, 64, 0), build_detector(2, 64, 1)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
    assert sum(parameter.numel() for parameter in one.parameters()) < 300_000


@pytest.mark.parametrize("size", [(48, 64), (37, 51), (96, 20)])
def test_boxes_are_in_image_pixels_for_any_size(size: tuple[int, int]) -> None:
    height, width = size
    (found,) = build_detector(1, 64, 0).eval()([torch.rand(1, height, width)])
    limits = torch.tensor([width, height, width, height])
    assert found["boxes"].shape[1] == 4
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= limits).all()


def test_images_without_objects_contribute_to_training() -> None:
    target = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    worse_than_baselines = build_detector(2, 32, 0).train()([torch.rand(1, 32, 32)], [target])
    assert worse_than_baselines["classification"] > 0
    assert worse_than_baselines["bbox_regression"] == 0


def _square(scene: LabelledScene, left: int, top: int) -> LabelledScene:
    """Return a dark image with a bright square of 14 pixels."""
    image = torch.full((1, 48, 48), 40, dtype=torch.uint8)
    image[:, top : top + 14, left : left + 14] = 220
    box = torch.tensor([[left, top, left + 14, top + 14]], dtype=torch.float32)
    return replace(scene, pair=replace(scene.pair, stem=f"{left}"), real=image, boxes=box, labels=("square",))


def test_learns_to_detect_a_bright_square_and_reports_the_loss(scenes: list[LabelledScene]) -> None:
    train = [_square(scenes[0], left, top) for left, top in ((2, 3), (10, 30), (22, 8), (31, 27), (16, 17), (6, 14))]
    test = [_square(scenes[0], left, top) for left, top in ((27, 12), (4, 22))]
    worse_than_baselines: list[float] = []
    arm = TrainingCondition("real", "real", ([scene.real for scene in train],))
    detector = train_detector(
        arm, train, ["square"], side=48, steps=60, seed=0, on_step=lambda _, loss: worse_than_baselines.append(loss)
    )
    assert len(worse_than_baselines) == 60
    assert worse_than_baselines[-1] < 0.6 * worse_than_baselines[0]
    found = find_objects(detector, test)
    true = [as_target(scene, ["square"]) for scene in test]
    assert mean_average_precision(found, true, ["square"]).map50 > 0.9


def test_equal_seeds_give_equal_detectors(scenes: list[LabelledScene]) -> None:
    arm = TrainingCondition("real", "real", ([scene.real for scene in scenes],))
    one, same, other = (
        train_detector(arm, scenes, ["person", "vehicle"], side=80, steps=2, seed=seed) for seed in (0, 0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_a_batch_draws_from_all_versions(scenes: list[LabelledScene]) -> None:
    black = [torch.zeros_like(scene.real) for scene in scenes]
    real = [scene.real for scene in scenes]
    twice, once, mixed = (
        train_detector(TrainingCondition("a", "both", versions), scenes, ["person"], side=80, steps=2, seed=0)
        for versions in ((real, real), (real,), (real, black))
    )
    # the same scenes in the same order, however many versions there are
    assert all(torch.equal(a, b) for a, b in zip(twice.parameters(), once.parameters(), strict=True))
    assert not torch.equal(next(mixed.parameters()), next(once.parameters()))


def test_targets_number_the_classes_and_omit_others(scenes: list[LabelledScene]) -> None:
    scene = replace(scenes[0], boxes=torch.arange(12.0).reshape(3, 4), labels=("vehicle", "dog", "person"))
    target = as_target(scene, ["person", "vehicle"])
    assert target["labels"].tolist() == [1, 0]
    assert target["boxes"].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
