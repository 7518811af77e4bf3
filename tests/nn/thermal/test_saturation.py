"""The map behind lamps and glare is that of their surroundings, unless its class is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.nn.thermal.regions import regions_of
from ir_transfer.nn.thermal.saturation import fill_hidden, hidden_share

WARM, COLD = 0.7, -2.0


def lamp(row: int, column: int, level: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return a map (1, 1, 40, 60) that is cold around a lamp of 4 cells, and its RGB image of that level there."""
    thermal = torch.full((1, 1, 40, 60), WARM)
    thermal[..., row - 2 : row + 6, column - 2 : column + 6] = COLD
    overview = torch.full((1, 3, 160, 240), 0.2)
    overview[..., 4 * row : 4 * row + 16, 4 * column : 4 * column + 16] = level
    return thermal, overview


def fill_saturated(thermal: Tensor, overview: Tensor, classes: Tensor) -> Tensor:
    regions = regions_of(classes.clamp(min=1e-6).log())
    return fill_hidden(thermal, hidden_share(overview, regions.sky, regions.objects))


def classes(name: str, probability: float = 1.0) -> Tensor:
    found = torch.zeros(1, len(CLASSES), 40, 60)
    found[:, CLASSES.index("road")] = 1 - probability
    found[:, CLASSES.index(name)] = probability
    return found


@pytest.mark.parametrize("name", ["road", "building", "other", "vegetation"])
@pytest.mark.parametrize(("row", "column"), [(15, 20), (2, 2), (34, 54)])
def test_a_lamp_and_its_halo_take_the_values_around_them(name: str, row: int, column: int) -> None:
    thermal, overview = lamp(row, column)
    filled = fill_saturated(thermal, overview, classes(name))
    assert float(filled[..., row : row + 4, column : column + 4].min()) == pytest.approx(WARM, abs=0.05)
    changed = (filled != thermal)[0, 0].nonzero()
    assert int((changed - torch.tensor([row + 1.5, column + 1.5])).abs().max()) < 5, "3 cells around the lamp"


@pytest.mark.parametrize("name", ["sky", "person", "two-wheeler", "vehicle"])
def test_a_white_sky_is_cold_and_a_white_car_keeps_its_heat(name: str) -> None:
    thermal, overview = lamp(15, 20)
    assert torch.equal(fill_saturated(thermal, overview, classes(name)), thermal)
    doubted = fill_saturated(thermal, overview, classes(name, 0.2))
    assert float(doubted[0, 0, 17, 22]) == pytest.approx(WARM, abs=0.05)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.93])
def test_unsaturated_pixels_are_unchanged(level: float) -> None:
    thermal, overview = lamp(15, 20, level)
    assert torch.equal(fill_saturated(thermal, overview, classes("road")), thermal)
    overview[:, 2] = 0.5  # a yellow wall is not saturated in blue
    overview[:, :2] = 1.0
    assert torch.equal(fill_saturated(thermal, overview, classes("road")), thermal)


def test_an_image_that_is_white_everywhere_keeps_its_map() -> None:
    thermal = torch.rand(1, 1, 20, 30)
    filled = fill_saturated(thermal, torch.ones(1, 3, 80, 120), torch.zeros(1, len(CLASSES), 20, 30))
    assert filled.isfinite().all()
    torch.testing.assert_close(filled.mean(), thermal.mean(), atol=0.02, rtol=0)
