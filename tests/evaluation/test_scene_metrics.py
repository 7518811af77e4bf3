"""Metrics of one output of one scene."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.evaluation.scene_metrics import SceneEvaluator
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.object_heat import Box


def street() -> tuple[Scene, list[Box]]:
    """A hot person, a hot and a cold car, a hot dog."""
    truth = torch.full((1, 1, 80, 100), 0.3)
    boxes = [
        Box(10, 10, 20, 30, "Person"),
        Box(40, 10, 60, 20, "car"),
        Box(40, 50, 60, 60, "OtherVehicle"),
        Box(75, 50, 85, 60, "dog"),
    ]
    for box in (boxes[0], boxes[1], boxes[3]):
        truth[..., box.top : box.bottom, box.left : box.right] = 0.8
    return Scene("s", torch.rand(1, 3, 80, 100), truth), boxes


def test_people_and_vehicles_are_measured_separately() -> None:
    scene, boxes = street()
    figures, _ = SceneEvaluator(scene, boxes, ["object_heat", "people_heat", "vehicle_heat"]).measure_ground_truth()
    assert figures == {"object_heat": (0.75, 4), "people_heat": (1.0, 1), "vehicle_heat": (0.5, 2)}


def test_computes_only_the_requested_metrics() -> None:
    scene, boxes = street()
    figures, look = SceneEvaluator(scene, boxes, ["ssim", "edges_kept", "perceptual"]).measure(scene.ground_truth, None)
    assert set(figures) == {"ssim", "edges_kept"}
    assert figures["ssim"][0] == pytest.approx(1)
    assert look is None
