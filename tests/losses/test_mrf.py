import torch
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.losses.mrf import mrf
from tests.losses.scenes import random_scene


def patches(features: Tensor, stride: int) -> list[Tensor]:
    _, height, width = features.shape
    places = [(y, x) for y in range(0, height - 2, stride) for x in range(0, width - 2, stride)]
    return [features[:, y : y + 3, x : x + 3].flatten() for y, x in places]


def test_equals_the_formula() -> None:
    scene = random_scene(batch=1, side=32)
    levels = []
    for level in ("relu3_1", "relu4_1"):
        look = patches(scene.truth_features[level][0], 2)
        squares = []
        for patch in patches(scene.output_features[level][0], 1):
            nearest = max(look, key=lambda other: torch.cosine_similarity(patch, other, dim=0).item())
            squares.append((patch - nearest).square().mean())
        levels.append(torch.stack(squares).mean() / torch.stack(look).square().mean())
    torch.testing.assert_close(mrf(scene), torch.stack(levels).mean(), rtol=1e-4, atol=1e-7)


def test_rearranged_patches_of_the_exemplar_cost_little() -> None:
    scene = random_scene()
    moved = Scene(scene.content, scene.truth, scene.truth.roll(16, dims=-1), scene.vgg)
    assert mrf(moved) < 0.3 * mrf(scene)
