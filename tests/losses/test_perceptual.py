import torch
import torch.nn.functional as F

from ir_transfer.losses.perceptual import deep_perceptual, perceptual
from ir_transfer.nn.perceptual import unit
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene()
    levels = []
    for made, true in zip(scene.output_features.values(), scene.truth_features.values(), strict=True):
        cosine = (F.normalize(made, dim=1) * F.normalize(true, dim=1)).sum(1)
        there = (made.norm(dim=1) > 1e-2) & (true.norm(dim=1) > 1e-2)
        levels.append((2 - 2 * cosine)[there].mean())  # |a - b|^2 of unit vectors
    torch.testing.assert_close(perceptual(scene), torch.stack(levels).mean(), rtol=0.02, atol=1e-4)


def test_deep_perceptual_omits_the_finest_and_coarsest_levels() -> None:
    scene = random_scene()
    levels = ("relu2_1", "relu3_1", "relu4_1")
    assert len(scene.output_features) == 5
    total = torch.zeros(())
    for level in levels:
        made, true = (unit(features[level]) for features in (scene.output_features, scene.truth_features))
        total = total + (made - true).square().sum(1).mean()
    torch.testing.assert_close(deep_perceptual(scene), total / 3)
