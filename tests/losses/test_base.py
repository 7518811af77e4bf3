import torch

from tests.losses.scenes import random_scene


def test_features_of_a_subset_equal_those_of_the_batch() -> None:
    scene = random_scene(batch=3)
    part = scene.subset(torch.tensor([True, False, True]))
    assert torch.equal(part.output, scene.output[[0, 2]])
    for name in ("output_features", "truth_features", "content_features"):
        for level, features in getattr(part, name).items():
            assert torch.equal(features, getattr(scene, name)[level][[0, 2]])
    assert scene.subset(torch.tensor([True, True, True])) is scene
