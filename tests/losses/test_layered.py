from __future__ import annotations

import torch

from ir_transfer.losses.layered import LayeredLoss, layer_losses
from ir_transfer.nn.perceptual import LAYERS
from tests.losses.scenes import random_scene


def test_layer_contribution_is_proportional_to_its_weight() -> None:
    loss, losses = LayeredLoss().eval(), layer_losses(random_scene())
    loss.average.copy_(losses.mean(dim=0))
    weights = torch.full((2, len(LAYERS)), 0.5)
    before = loss.shares(losses, weights)
    part = []
    for alpha in (0.0, 0.25, 0.5, 0.75, 1.0):
        weights[:, 3] = alpha
        now = loss.shares(losses, weights)
        part.append(float((now[:, 3] / now.sum(dim=1)).mean()))
        others = [i for i in range(len(LAYERS)) if i != 3]
        torch.testing.assert_close(now[:, others], before[:, others])
    assert part[0] == 0
    assert part == sorted(part)
    assert part[-1] > part[1] + 0.05


def test_layers_of_any_scale_contribute_equally_at_equal_weights() -> None:
    loss, scales = LayeredLoss(), torch.logspace(-4, 4, len(LAYERS))
    torch.manual_seed(0)
    for _ in range(400):
        found = loss.shares(scales * (0.5 + torch.rand(2, len(LAYERS))), torch.ones(2, len(LAYERS)))
    torch.testing.assert_close(loss.average, scales, rtol=0.2, atol=0)
    assert found.mean(dim=0).max() / found.mean(dim=0).min() < 4
    assert 3 < found.sum(dim=1).mean() < 14, "about 1 for every layer"


def test_averages_are_updated_only_in_training() -> None:
    loss, scene, weights = LayeredLoss(), random_scene(), torch.ones(2, len(LAYERS))
    loss.eval()(scene, weights)
    assert not loss.average.any()
    loss.train()(scene, weights)
    torch.testing.assert_close(loss.average, layer_losses(scene).mean(dim=0))


def test_content_is_invariant_to_gain_and_style_to_position() -> None:
    scene = random_scene()
    scene.truth = scene.output.flip(-1)
    assert (layer_losses(scene)[:, 2:4] < 0.05).all(), "the mirrored image has the same style"
    assert (layer_losses(scene)[:, :2] > 0.05).all(), "and another content than the RGB image"
