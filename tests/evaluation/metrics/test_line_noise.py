"""Row and column noise on pictures of known stripes."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.evaluation.metrics.line_noise import line_noise


def scene() -> torch.Tensor:
    """A slope with an object on it, in 8 bit."""
    picture = torch.linspace(0.3, 0.6, 200)[:, None].expand(200, 240).clone()
    picture[60:120, 80:130] = 0.9
    return (picture * 255).round()[None, None] / 255


@pytest.mark.parametrize("axis", [2, 3])
def test_finds_the_strength_of_stripes(axis: int) -> None:
    shape = [1, 1, 1, 1]
    shape[axis] = scene().shape[axis]
    noise = torch.randn(scene().shape, generator=torch.Generator().manual_seed(0))
    stripes = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    picture = ((scene() + 0.01 * noise + 0.02 * stripes) * 255).round() / 255
    assert line_noise(picture).item() == pytest.approx(0.02, rel=0.25)


def test_a_clean_scene_has_nearly_none() -> None:
    assert line_noise(scene()).item() < 0.002
    assert line_noise(torch.full((1, 1, 50, 50), 0.5)).item() == 0
