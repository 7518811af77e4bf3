import torch

from ir_transfer.losses.mean_std import mean_std
from tests.losses.scenes import random_scene


def test_equals_the_formula() -> None:
    scene = random_scene()
    levels = []
    for level in scene.output_features:
        (mean, std), (true_mean, true_std) = (
            (f.mean((2, 3)), (f.var((2, 3), correction=0) + 1e-4).sqrt())
            for f in (scene.output_features[level], scene.truth_features[level])
        )
        scale = true_std.mean(1, keepdim=True) + true_mean.abs().mean(1, keepdim=True)
        levels.append(((mean - true_mean).abs() / scale + (std - true_std).abs() / scale).mean())
    torch.testing.assert_close(mean_std(scene), torch.stack(levels).mean())
