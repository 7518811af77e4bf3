"""Losses ignore invalid pixels and have no gradient there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.layered import layer_losses
from ir_transfer.losses.registry import LOSSES
from tests.losses.scenes import random_scene

INNER = (..., slice(16, 80), slice(16, 80))
COLLAR_CHANGES_NOTHING = ("l1", "correlation", "map_correlation", "histogram", "tv")
"""Losses over pixels and cells; windows and features would include borders."""


def collared(side: int = 96) -> Scene:
    """A scene with an invalid border of 16 pixels in its first sample."""
    scene = random_scene(side=side)
    valid = torch.ones_like(scene.truth, dtype=torch.bool)
    valid[0] = False
    valid[INNER] = True
    embossed = 0.3 * scene.output + 0.3 * scene.content.mean(1, keepdim=True)
    return replace(scene, output=embossed, valid=valid)


@pytest.mark.parametrize("name", LOSSES)
def test_invalid_pixels_receive_no_gradient(name: str) -> None:
    scene = collared()
    assert scene.valid is not None
    made = scene.output.clone().requires_grad_()
    loss = LOSSES[name](replace(scene, output=made))
    assert torch.isfinite(loss)
    (gradient,) = torch.autograd.grad(loss, made)
    assert torch.isfinite(gradient).all()
    assert not gradient[~scene.valid].any()
    assert gradient[scene.valid].any()


@pytest.mark.parametrize("name", LOSSES)
def test_invalid_pixels_do_not_affect_losses(name: str) -> None:
    scene = collared()
    assert scene.valid is not None
    other = torch.where(scene.valid, scene.output, torch.rand_like(scene.output))
    loss, again = LOSSES[name](scene), LOSSES[name](replace(scene, output=other))
    assert again == loss


@pytest.mark.parametrize("name", COLLAR_CHANGES_NOTHING)
def test_invalid_border_changes_no_pixel_loss(name: str) -> None:
    scene = collared()
    whole = [
        Scene(content[INNER][None], truth[INNER][None], output[INNER][None], scene.vgg)
        if number == 0
        else Scene(content[None], truth[None], output[None], scene.vgg)
        for number, (content, truth, output) in enumerate(zip(scene.content, scene.truth, scene.output, strict=True))
    ]
    expected = torch.stack([LOSSES[name](one) for one in whole]).mean()
    tolerance = 0.05 if name == "histogram" else 1e-4  # of which every seventh pixel counts
    assert LOSSES[name](scene).item() == pytest.approx(expected.item(), rel=tolerance)


@pytest.mark.parametrize("name", [*LOSSES])
def test_all_valid_mask_equals_no_mask(name: str) -> None:
    scene = random_scene()
    masked = replace(scene, valid=torch.ones_like(scene.truth, dtype=torch.bool))
    assert LOSSES[name](masked).item() == pytest.approx(LOSSES[name](scene).item(), rel=1e-3, abs=1e-6)
    torch.testing.assert_close(layer_losses(masked), layer_losses(scene), rtol=1e-3, atol=1e-6)


def test_sample_without_valid_pixels_adds_no_gradient() -> None:
    scene = collared()
    assert scene.valid is not None
    valid = scene.valid.clone()
    valid[0] = False
    made = scene.output.clone().requires_grad_()
    nothing = replace(scene, output=made, valid=valid)
    total = torch.stack([loss(nothing) for loss in LOSSES.values()]).sum()
    (gradient,) = torch.autograd.grad(total, made)
    assert torch.isfinite(gradient).all()
    assert not gradient[0].any()
    assert torch.isfinite(total)


def test_subset_keeps_its_valid_pixels() -> None:
    scene = collared()
    subset = scene.subset(torch.tensor([True, False]))
    assert scene.valid is not None
    assert subset.valid is not None
    assert torch.equal(subset.valid, scene.valid[:1])
