from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.contours import steepened
from ir_transfer.nn.thermal.regions import COUNT, Regions

PERSON, SKY, GROUND, REST = 0, 3, 5, 6


def scene(region: int, around: int) -> Regions:
    """Return regions (1, 7, 40, 60) of a rectangle of 16 x 12 cells, with softer contours than the image's."""
    shares = torch.zeros(1, COUNT, 40, 60)
    shares[:, region, 12:28, 24:36] = 1
    shares[:, around] = 1 - shares[:, region]
    return Regions(F.avg_pool2d(F.pad(shares, (1, 1, 1, 1), mode="replicate"), 3, 1))


def blurred(regions: Regions, region: int, inside: float, outside: float) -> Tensor:
    """Return a map (1, 1, 40, 60) of two values with contours 9 cells wide."""
    share = (regions.shares[:, region : region + 1] > 0.5).float()
    return box_mean(outside + (inside - outside) * share, 9)


@pytest.mark.parametrize(
    ("region", "around", "inside"),
    [(PERSON, GROUND, 1.0), (SKY, REST, 1.0), (SKY, REST, -1.0), (GROUND, SKY, 1.0), (GROUND, SKY, -1.0)],
)
def test_a_contour_becomes_that_of_the_region(region: int, around: int, inside: float) -> None:
    regions = scene(region, around)
    thermal = blurred(regions, region, inside, 0.2)
    found = steepened(thermal, regions)
    true = torch.where(regions.shares[:, region : region + 1] > 0.5, inside, 0.2)
    assert F.mse_loss(found, true) < 0.5 * F.mse_loss(thermal, true)
    steepness, before = (values[..., 20, 22:26].diff().abs().max() for values in (found, thermal))
    assert steepness > 1.5 * before


@pytest.mark.parametrize("region", [0, 1, 2])
def test_a_contour_does_not_make_objects_colder(region: int) -> None:
    objects = scene(region, GROUND).shares[:, [region]]
    shares = torch.zeros(1, COUNT, 40, 60)
    shares[:, region] = objects[:, 0]  # of no other region, so that only the object's own contour counts
    warm, cold = (blurred(Regions(shares), region, inside, 0.2) for inside in (1.0, -1.0))
    assert (steepened(warm, Regions(shares)) - warm).abs().max() > 0.1
    torch.testing.assert_close(steepened(cold, Regions(shares)), cold)


def test_positions_far_from_contours_are_unchanged() -> None:
    thermal = torch.randn(1, 1, 40, 60)
    changed = (steepened(thermal, scene(PERSON, GROUND)) - thermal)[0, 0].abs() > 1e-3
    assert changed[12:28, 24:36].any()
    assert not changed[:6].any()
    assert not changed[:, :18].any()
    assert not changed[:, 42:].any()
