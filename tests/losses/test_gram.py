import torch

from ir_transfer.losses.gram import gram, gram_matrix
from tests.losses.scenes import random_scene


def test_gram_matrix_is_the_mean_of_outer_products() -> None:
    features = torch.rand(1, 3, 4, 5)
    expected = sum(torch.outer(v, v) for v in features[0].flatten(1).T) / 20
    torch.testing.assert_close(gram_matrix(features)[0], expected)


def test_equals_the_formula() -> None:
    scene = random_scene()
    levels = []
    for level in scene.output_features:
        a, b = gram_matrix(scene.output_features[level]), gram_matrix(scene.truth_features[level])
        levels.append(torch.stack([(x - y).norm() ** 2 / y.norm() ** 2 for x, y in zip(a, b, strict=True)]).mean())
    torch.testing.assert_close(gram(scene), torch.stack(levels).mean(), rtol=1e-4, atol=1e-7)
