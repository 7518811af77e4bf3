import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.content import content
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene()
    normal = []
    for features in (scene.output_features["relu4_1"], scene.content_features["relu4_1"]):
        mean = features.mean((2, 3), keepdim=True)
        variance = features.var((2, 3), correction=0, keepdim=True)
        normal.append((features - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(content(scene), (normal[0] - normal[1]).square().mean())


def test_loss_is_zero_only_for_the_same_content() -> None:
    scene = random_scene()
    gray = scene.output.expand(-1, 3, -1, -1)
    same, other = (Scene(photo, scene.truth, scene.output, scene.vgg) for photo in (gray, gray.flip(-1)))
    assert content(same) < 1e-6
    assert content(other) > 0.1
