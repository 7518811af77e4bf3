from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ir_transfer.nn.thermal.grain import PERIOD, add_grain, grain_deviation
from ir_transfer.nn.thermal.windows import Window


def ramp(height: int = 96, width: int = 128) -> Tensor:
    """A smooth image (1, 1, H, W) in [.3, .7]: a plane in every block."""
    rows, columns = torch.linspace(0.3, 0.5, height)[:, None], torch.linspace(0, 0.2, width)
    return (rows + columns)[None, None]


@pytest.mark.parametrize("deviation", [0.004, 0.02])
def test_the_grain_of_smooth_images_is_measured_and_given_back(deviation: float) -> None:
    window, image = Window.whole(320, 320), ramp(320, 320)
    image[..., 32:, :] += 0.2 * torch.rand(288, 320, generator=torch.Generator().manual_seed(1))
    found = grain_deviation(add_grain(image, torch.tensor([[deviation]]), window))
    assert found.shape == (1, 1)
    assert float(found) == pytest.approx(deviation, rel=0.1)


def test_planes_and_texture_are_no_grain() -> None:
    textured = ramp()
    textured[..., 32:, :] += 0.2 * torch.rand(64, 128, generator=torch.Generator().manual_seed(1))
    assert float(grain_deviation(ramp())) < 1e-5
    assert float(grain_deviation(textured)) < 1e-5, "a third of the blocks are smooth"


def test_clipped_blocks_do_not_count() -> None:
    noisy = ramp() + 0.02 * torch.randn(1, 1, 96, 128, generator=torch.Generator().manual_seed(2))
    noisy[..., :64, :] = 0
    noisy[..., 64:80, :] = 1
    assert 0.012 < float(grain_deviation(noisy)) < 0.02, "the smoothest of what is not clipped"
    assert float(grain_deviation(torch.zeros(1, 1, 96, 128))) == 0


def test_every_image_of_a_batch_has_its_own_grain() -> None:
    random = torch.Generator().manual_seed(3)
    noise = torch.randn(2, 1, 96, 128, generator=random) * torch.tensor([0.01, 0.03]).view(2, 1, 1, 1)
    both = grain_deviation(ramp() + noise)
    assert float(both[1] / both[0]) == pytest.approx(3, rel=0.1)
    torch.testing.assert_close(grain_deviation((ramp() + noise)[1:]), both[1:])


def test_exemplars_smaller_than_a_block_have_none() -> None:
    assert grain_deviation(torch.rand(2, 1, 12, 40)).tolist() == [[0.0], [0.0]]


def test_the_grain_of_a_tile_is_that_of_the_whole_image() -> None:
    size, deviation = (2 * PERIOD + 40, PERIOD + 60), torch.tensor([[0.1]])
    whole = add_grain(torch.zeros(1, 1, *size), deviation, Window.whole(*size))
    top, left, height, width = 70, 33, 190, 100
    tile = add_grain(torch.zeros(1, 1, height, width), deviation, Window(top, left, height, width, *size))
    assert torch.equal(tile, whole[..., top : top + height, left : left + width])
    assert torch.equal(whole[..., :40, :], whole[..., PERIOD : PERIOD + 40, :])


def test_grain_is_blurred_normal_noise_without_offset() -> None:
    grain = add_grain(torch.zeros(1, 1, PERIOD, PERIOD), torch.ones(1, 1), Window.whole(PERIOD, PERIOD))[0, 0]
    assert float(grain.mean()) == pytest.approx(0, abs=1e-6)
    assert float(grain.std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert float((grain * grain.roll(1, 0)).mean()) == pytest.approx(0.78, abs=0.06)  # exp(-1/4) for a blur of 1 pixel
    assert float((grain.abs() > 2).float().mean()) == pytest.approx(0.0455, abs=0.015)


def test_without_deviation_nothing_changes() -> None:
    images = torch.rand(2, 1, 20, 30)
    assert torch.equal(add_grain(images, torch.zeros(1, 1), Window.whole(20, 30)), images)


def test_the_pattern_can_be_trained_through_after_inference() -> None:
    with torch.inference_mode():
        add_grain(torch.zeros(1, 1, 8, 8), torch.ones(1, 1), Window.whole(8, 8))
    deviation = torch.ones(1, 1, requires_grad=True)
    add_grain(torch.zeros(1, 1, 8, 8), deviation, Window.whole(8, 8)).square().sum().backward()  # type: ignore[no-untyped-call]
    assert deviation.grad is not None
    assert float(deviation.grad) > 1
