"""Lamps in the dark have neither edges nor detail; what is bright by day, or a person, keeps them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ir_transfer.nn.thermal.guided_filter import fitted
from ir_transfer.nn.thermal.lamps import detail_left, flattened, lamp_share

NOBODY = torch.zeros(1, 1, 60, 80)


def night(*colour: float, luma: float = 0.1) -> Tensor:
    """Return an image (1, 3, 240, 320) of this luminance with a spot of 6 pixels at rows and columns 120 to 125."""
    image = torch.full((1, 3, 240, 320), luma)
    image[..., 120:126, 120:126] = torch.tensor(colour).view(3, 1, 1)
    return image


@pytest.mark.parametrize("colour", [(1.0, 1.0, 1.0), (1.0, 0.2, 0.1), (0.2, 0.4, 1.0)])
def test_a_lamp_of_any_colour_is_covered_with_its_halo(colour: tuple[float, float, float]) -> None:
    found = lamp_share(night(*colour), NOBODY)[0, 0]
    assert found.shape == (60, 80)
    torch.testing.assert_close(found[30:32, 30:32], torch.ones(2, 2))
    covered = found.nonzero()
    assert covered.amin(0).tolist() == [28, 28], "a cell of halo and one of transition"
    assert covered.amax(0).tolist() == [33, 33]


@pytest.mark.parametrize(
    ("image", "people"),
    [
        (night(0.7, 0.7, 0.7), NOBODY),
        (night(1.0, 1.0, 1.0, luma=0.55), NOBODY),
        (night(1.0, 1.0, 1.0), NOBODY + 0.7),
        (night(0.9, 0.9, 0.9, luma=0.65), NOBODY),
    ],
    ids=["too dim", "by day", "a person", "little contrast"],
)
def test_other_spots_are_not_lamps(image: Tensor, people: Tensor) -> None:
    assert not lamp_share(image, people).any()


def test_a_lit_wall_is_not_a_lamp_except_at_its_border() -> None:
    image = torch.full((1, 3, 240, 320), 0.1)
    image[..., 60:180, 60:180] = 0.95
    assert not lamp_share(image, NOBODY)[..., 22:38, 22:38].any()


def test_edges_disappear_in_proportion_to_the_share() -> None:
    fit = torch.randn(1, 4, 6, 8, generator=torch.Generator().manual_seed(0))
    thermal, rgb = torch.full((1, 1, 6, 8), 0.3), torch.rand(1, 3, 6, 8)
    torch.testing.assert_close(fitted(flattened(fit, thermal, torch.ones(1, 1, 6, 8)), rgb), thermal)
    torch.testing.assert_close(flattened(fit, thermal, torch.zeros(1, 1, 6, 8)), fit)
    half = fitted(flattened(fit, thermal, torch.full((1, 1, 6, 8), 0.5)), rgb)
    torch.testing.assert_close(half, (fitted(fit, rgb) + thermal) / 2)


def test_a_lamp_removes_the_detail_of_every_position_that_it_touches() -> None:
    lamps = torch.zeros(1, 1, 5, 7)
    lamps[..., 3, 6] = 1
    lamps[..., 0, 1] = 0.25
    expected = torch.ones(1, 1, 3, 4)
    expected[..., 1, 3] = 0
    expected[..., 0, 0] = 0.75
    torch.testing.assert_close(detail_left(lamps), expected)
