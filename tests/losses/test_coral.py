import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.coral import coral
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene(batch=1)
    levels = []
    for level in scene.output_features:
        a = torch.cov(scene.output_features[level][0].flatten(1))
        b = torch.cov(scene.truth_features[level][0].flatten(1))
        levels.append((a - b).norm() ** 2 / b.norm() ** 2)
    torch.testing.assert_close(coral(scene), torch.stack(levels).mean(), rtol=1e-4, atol=1e-7)


def test_invariant_to_the_feature_mean() -> None:
    scene = random_scene()
    shifted = Scene(scene.content, scene.truth, scene.output)
    shifted.__dict__["truth_features"] = scene.truth_features
    shifted.__dict__["output_features"] = {level: f + 3 for level, f in scene.truth_features.items()}
    assert coral(shifted) < 1e-8
