import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.mmd import mmd
from tests.losses.scenes import random_scene


def test_invariant_to_patch_order() -> None:
    scene = random_scene(batch=4)
    shuffled = Scene(scene.content, scene.truth, scene.truth[[2, 0, 3, 1]], scene.vgg)
    torch.testing.assert_close(mmd(shuffled), torch.tensor(0.0), atol=1e-5, rtol=0)
    assert mmd(scene) > 1e-3


def test_equals_the_formula_for_one_patch_per_image() -> None:
    scene = random_scene(batch=3)
    features = []
    for made, true in zip(scene.output_features.values(), scene.truth_features.values(), strict=True):
        a, b = (torch.nn.functional.normalize(f, dim=1).mean((2, 3)) for f in (made, true))
        spread = (b - b.mean(0)).square().mean(0).sum()
        features.append([(x - b.mean(0)) / (5 * spread + 1e-4).sqrt() for x in (a, b)])
    x, y = (torch.cat([level[side] for level in features], dim=1) for side in (0, 1))

    def distance(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return torch.stack([(a - b).norm() for a in p for b in q]).mean()

    energy = 2 * distance(x, y) - distance(x, x) - distance(y, y)
    torch.testing.assert_close(mmd(scene), energy, rtol=1e-2, atol=2e-3)
