import pytest
import torch
from torch import Tensor

from ir_transfer.nn.odd_statistics import COUNT, LEVELS, SIDES, odd_statistics

BLOBS = slice(0, 7 * LEVELS)
THIRDS = slice(7 * LEVELS, 10 * LEVELS)
PROFILE = slice(-8, None)


def spots(side: int, top: int = 90) -> Tensor:
    """A flat image with one hot square."""
    image = torch.zeros(1, 1, *SIDES)
    image[..., top : top + side, 100 : 100 + side] = 1
    return image


def test_statistics_are_odd_and_invariant_to_gain_and_offset() -> None:
    images = torch.rand(2, 1, *SIDES) ** 3
    found = odd_statistics(images)
    assert found.shape == (2, COUNT)
    torch.testing.assert_close(odd_statistics(1 - images), -found, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(odd_statistics(0.5 * images + 0.3), found, atol=1e-2, rtol=1e-2)
    assert (found.abs().amax(0) > 1e-4).float().mean() > 0.8, "noise has no blobs beyond the largest thresholds"


def test_statistics_of_a_flat_image_are_0() -> None:
    assert odd_statistics(torch.full((1, 1, *SIDES), 0.3)).abs().max() < 1e-3


@pytest.mark.parametrize("side", [2, 4, 8, 16])
def test_hot_spots_of_every_size_have_a_positive_statistic(side: int) -> None:
    skewness, *_, beyond = odd_statistics(spots(side))[0, BLOBS].view(LEVELS, 7).T
    assert skewness.min() > 1, "at every scale"
    assert beyond.max() > 0, "exceedance of the largest threshold: the moat round a spot is not taken for cold spots"
    assert beyond.min() > -1e-3


def test_spots_contribute_only_to_their_third() -> None:
    upper, lower = (odd_statistics(spots(4, top))[0, THIRDS].view(LEVELS, 3)[1] for top in (20, 170))
    assert upper[0] > 0
    assert abs(upper[2].item()) < 1e-3
    assert lower[2] > 0
    assert abs(lower[0].item()) < 1e-3


def test_profile_detects_a_cold_sky() -> None:
    image = torch.zeros(1, 1, *SIDES)
    image[..., 96:, :] = 1
    profile = odd_statistics(image)[0, PROFILE]
    assert profile[:4].max() < -0.9
    assert profile[4:].min() > 0.9


def test_texture_in_warm_and_in_cold_areas_is_distinguished() -> None:
    random = torch.Generator().manual_seed(0)
    image = torch.zeros(1, 1, *SIDES)
    image[..., 128:] = 1 + 0.3 * torch.randn(1, 1, SIDES[0], 128, generator=random)
    warm = slice(-8 - 2 * (LEVELS - 1) - LEVELS * (LEVELS - 1) // 2, -8)
    found = odd_statistics(image)[0, warm]
    assert found.max() > 0.8
    assert odd_statistics(-image)[0, warm].min() < -0.8
