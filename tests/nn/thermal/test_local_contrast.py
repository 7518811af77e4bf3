"""Luminance standardised by its surroundings."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ir_transfer.nn.thermal.local_contrast import CELL, luma_statistics, noise_level, with_local_contrast
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.windows import Window, sample


@pytest.fixture
def image() -> Tensor:
    return torch.rand(1, 3, 96, 120, generator=torch.Generator().manual_seed(0))


def local(image: Tensor) -> Tensor:
    return with_local_contrast(image, sample(luma_statistics(image), Window.whole(*image.shape[-2:]), CELL))[:, 3]


def test_the_statistics_are_those_of_twenty_pixels_round_a_cell(image: Tensor) -> None:
    luma = torch.einsum("bchw,c->bhw", image, torch.tensor([0.299, 0.587, 0.114]))
    part = luma[0, 32:52, 40:60]  # five cells a side round the one at row 10, column 12
    mean, deviation = luma_statistics(image)[0, :, 10, 12]
    torch.testing.assert_close(mean, part.mean(), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviation, (part.var(correction=0) + 0.01**2).sqrt(), atol=1e-4, rtol=0)


def test_the_colours_come_first(image: Tensor) -> None:
    found = with_local_contrast(image, sample(luma_statistics(image), Window.whole(96, 120), CELL))
    torch.testing.assert_close(found[:, :3], 2 * image - 1)


def test_a_dark_photograph_has_the_detail_of_a_bright_one(image: Tensor) -> None:
    torch.testing.assert_close(local(0.2 * image), local(image), atol=0.25, rtol=0)
    assert local(0.2 * image).std() > 0.9


def test_the_noise_of_a_flat_area_stays_weak(image: Tensor) -> None:
    assert local(0.05 + 0.002 * image).std() < 0.15


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_tile_equals_its_part_of_the_whole(image: Tensor, factor: int) -> None:
    statistics = luma_statistics(overview_of(image, factor))
    whole = with_local_contrast(image, sample(statistics, Window.whole(96, 120), CELL * factor))
    part = Window(24, 36, 36, 60, 96, 120)
    tile = with_local_contrast(image[..., 24:60, 36:96], sample(statistics, part, CELL * factor))
    torch.testing.assert_close(tile, whole[..., 24:60, 36:96], atol=1e-5, rtol=0)


def test_it_has_the_type_of_the_image(image: Tensor) -> None:
    assert local(image.double()).dtype == torch.float64


def level_of(deviation: float) -> float:
    """Return 2.5 times a variance, above the part that is added to all."""
    return float((2.5 * (deviation**2 - 0.01**2) + 0.01**2) ** 0.5)


def test_the_noise_level_follows_the_smoothest_quarter_of_the_valid_positions() -> None:
    deviation = torch.full((2, 1, 20, 30), 0.1)
    deviation[0, :, :6] = 0.016
    found = noise_level(deviation).flatten()
    torch.testing.assert_close(found, torch.tensor([level_of(0.016), level_of(0.03)]))
    deviation[0, :, :, 20:] = 0.011  # a collar, which is no smooth area
    weights = torch.ones(1, 1, 80, 120)
    weights[..., 80:] = 0
    torch.testing.assert_close(noise_level(deviation, weights)[0].squeeze(), torch.tensor(level_of(0.016)))
    torch.testing.assert_close(noise_level(deviation)[0].squeeze(), torch.tensor(level_of(0.011)))


def test_texture_is_not_counted_as_noise_where_little_of_an_image_is_smooth() -> None:
    deviation = torch.full((1, 1, 20, 30), 0.05)
    deviation[..., :2, :] = 0.012
    variance = 4 * (0.012**2 - 0.01**2)
    assert float(noise_level(deviation)) == pytest.approx((2.5 * variance + 0.01**2) ** 0.5)
    deviation[..., 18:, :] = 0.01  # a black bar says nothing about noise
    assert float(noise_level(deviation)) == pytest.approx((2.5 * variance + 0.01**2) ** 0.5)


def test_nothing_valid_has_the_largest_noise() -> None:
    found = noise_level(torch.full((1, 1, 4, 4), 0.01), torch.zeros(1, 1, 16, 16))
    assert float(found) == pytest.approx(level_of(0.03))
