import numpy as np
import pytest
import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.edge import edge, edge_correlation
from tests.losses.scenes import random_scene


def test_correlation_ignores_gain_offset_and_polarity_and_the_loss_its_upper_quarter() -> None:
    scene = random_scene()
    luminance = (scene.content * torch.tensor([0.299, 0.587, 0.114])[None, :, None, None]).sum(1, keepdim=True)
    inverted = Scene(scene.content, scene.truth, 0.9 - 0.5 * luminance)
    torch.testing.assert_close(edge_correlation(inverted), torch.ones(2), atol=0.02, rtol=0)
    assert edge(inverted) == 0


def test_loss_is_the_shortfall() -> None:
    scene = random_scene()
    assert edge(scene).item() == pytest.approx(np.maximum(0.75 - edge_correlation(scene).numpy(), 0).mean(), rel=1e-5)
