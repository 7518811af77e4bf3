import torch
import torch.nn.functional as F

from ir_transfer.losses.perceptual import perceptual
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene()
    levels = []
    for made, true in zip(scene.output_features.values(), scene.truth_features.values(), strict=True):
        cosine = (F.normalize(made, dim=1) * F.normalize(true, dim=1)).sum(1)
        there = (made.norm(dim=1) > 1e-2) & (true.norm(dim=1) > 1e-2)
        levels.append((2 - 2 * cosine)[there].mean())  # |a - b|^2 of unit vectors
    torch.testing.assert_close(perceptual(scene), torch.stack(levels).mean(), rtol=0.02, atol=1e-4)
