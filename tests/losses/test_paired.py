import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ir_transfer.losses import paired
from ir_transfer.losses.base import Scene
from tests.losses.scenes import random_scene


def test_l1() -> None:
    scene = random_scene()
    torch.testing.assert_close(paired.l1(scene), (scene.output - scene.truth).abs().mean())


def test_correlation_equals_pearson() -> None:
    scene = random_scene(batch=1)
    pearson = np.corrcoef(scene.output.flatten().numpy(), scene.truth.flatten().numpy())[0, 1]
    assert paired.correlation(scene).item() == pytest.approx(1 - pearson, abs=1e-3)


def test_charbonnier_of_a_flat_ground_truth_is_unweighted() -> None:
    output, flat = torch.rand(1, 1, 64, 64), torch.full((1, 1, 64, 64), 0.5)
    scene = Scene(flat.expand(-1, 3, -1, -1), flat, output)
    torch.testing.assert_close(paired.charbonnier(scene), ((output - 0.5) ** 2 + 1e-6).sqrt().mean())


def test_charbonnier_weights_salient_pixels() -> None:
    truth = torch.full((1, 1, 64, 64), 0.2)
    truth[..., 24:32, 24:32] = 0.8
    output = truth.clone()
    output[..., 24:32, 24:32] -= 0.1
    elsewhere = truth.clone()
    elsewhere[..., 56:64, 0:8] += 0.1
    hot, cold = (paired.charbonnier(Scene(truth.expand(-1, 3, -1, -1), truth, o)) for o in (output, elsewhere))
    assert hot > 2 * cold


def test_coarse_is_charbonnier_at_a_quarter() -> None:
    scene = random_scene()
    content, truth, output = (F.avg_pool2d(image, 4) for image in (scene.content, scene.truth, scene.output))
    torch.testing.assert_close(paired.coarse(scene), paired.charbonnier(Scene(content, truth, output)))


def test_laplacian_equals_the_formula() -> None:
    scene = random_scene()
    total, output, truth = torch.zeros(()), scene.output, scene.truth
    for level in range(5):
        bands = [p - F.interpolate(F.avg_pool2d(p, 2), scale_factor=2, mode="bilinear") for p in (output, truth)]
        weight = torch.where(bands[1] > 0.02, 2.0, 1.0)
        total = total + 2 ** (level / 2) * (weight * (bands[0] - bands[1]).abs()).mean()
        output, truth = F.avg_pool2d(output, 2), F.avg_pool2d(truth, 2)
    torch.testing.assert_close(paired.laplacian(scene), total)
