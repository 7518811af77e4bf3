import torch

from ir_transfer.losses.gram import gram
from ir_transfer.nn.gram import gram_matrix
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene()
    levels = []
    for level in scene.output_features:
        a, b = gram_matrix(scene.output_features[level]), gram_matrix(scene.truth_features[level])
        levels.append(torch.stack([(x - y).norm() ** 2 / y.norm() ** 2 for x, y in zip(a, b, strict=True)]).mean())
    torch.testing.assert_close(gram(scene), torch.stack(levels).mean(), rtol=1e-4, atol=1e-7)
