from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.losses.thermal_map import map_correlation, object_weight, thermal_map


def image(seed: int = 0, height: int = 128, width: int = 128) -> Tensor:
    """Return an image in canonical tone that is constant over cells of 4 pixels."""
    cells = torch.randn(1, 1, height // 4, width // 4, generator=torch.Generator().manual_seed(seed))
    return cells.repeat_interleave(4, -1).repeat_interleave(4, -2) * 0.2 + 0.5


def scene(output: Tensor, truth: Tensor, classes: Tensor | None = None, thermal: Tensor | None = None) -> Scene:
    return Scene(torch.zeros(len(truth), 3, *truth.shape[2:]), truth, output, None, thermal, classes)


def one_class(number: int, rows: slice, columns: slice, size: tuple[int, int] = (32, 32)) -> Tensor:
    classes = torch.zeros(1, 11, *size)
    classes[:, 0] = 1
    classes[:, 0, rows, columns], classes[:, number, rows, columns] = 0, 1
    return classes


def test_ground_truth_costs_nothing() -> None:
    truth = image()
    assert thermal_map(scene(truth, truth, thermal=F.avg_pool2d(truth, 4))).item() == 0
    assert map_correlation(scene(truth, truth)).item() == pytest.approx(0, abs=1e-5)


def test_constant_error_is_smooth_l1_in_deviations() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)
    for error in (0.1, 1.0):  # in deviations; beta is 0.3
        expected = error**2 / 0.6 if error < 0.3 else error - 0.15
        found = thermal_map(scene(flat + 0.2 * error, flat, thermal=F.avg_pool2d(flat + 0.2 * error, 4)))
        assert found.item() == pytest.approx(expected, rel=1e-4)
    # Without a map its share is missing: 3 + 2 of 3 + 1 + 2.
    assert thermal_map(scene(flat + 0.2, flat)).item() == pytest.approx(0.85 * 5 / 6, rel=1e-4)


def test_shift_of_one_cell_is_tolerated_and_of_three_is_not() -> None:
    truth = F.interpolate(image(0, 256, 256)[..., ::4, ::4], (256, 256), mode="bilinear")
    cost = {
        cells: thermal_map(scene(truth.roll((0, 4 * cells), (2, 3)), truth)).item() for cells in (0, 1, 3)
    }  # fmt: skip
    fine = F.avg_pool2d(truth, 4).roll((0, 1), (2, 3)) - F.avg_pool2d(truth, 4)
    assert cost[1] < 0.5 * cost[3]
    assert fine.abs().mean() > 0.01, "without forgiveness it would cost as much"
    noise = image(3)  # independent from cell to cell, so that the coarse term sees next to nothing of a shift
    costs = [thermal_map(scene(noise.roll((4 * cells, 0), (2, 3)), noise)).item() for cells in (1, 3)]
    assert costs[0] < 0.35 * costs[1]


def test_people_have_weight_5_and_vehicles_2_5() -> None:
    classes = torch.zeros(1, 11, 8, 8)
    for column, number in enumerate((0, 1, 2, 3, 7)):
        classes[:, number, :, column] = 1
    weights = object_weight(scene(image(), image(), classes), torch.zeros(1, 1, 8, 8))
    assert weights[0, 0, 0].tolist() == [1, 5, 2.5, 2.5, 1, 1, 1, 1]
    assert bool((object_weight(scene(image(), image()), torch.zeros(1, 1, 4, 4)) == 1).all())


@pytest.mark.parametrize(("number", "factor"), [(1, 5.0), (3, 2.5), (7, 1.0)])
def test_error_at_an_object_costs_its_weight(number: int, factor: float) -> None:
    """The same error costs ``factor`` times as much on the object as on the same area of ground beside it."""
    truth = torch.full((1, 1, 256, 256), 0.5)
    classes = one_class(number, slice(8, 16), slice(8, 16), (64, 64))
    costs = []
    for top in (32, 160):
        output = truth.clone()
        output[..., top : top + 32, top : top + 32] += 0.4
        costs.append(thermal_map(scene(output, truth, classes)).item())
    assert costs[0] / costs[1] == pytest.approx(factor, rel=1e-4)


def test_correlation_ignores_gain_and_offset_but_not_sign() -> None:
    truth = image()
    assert map_correlation(scene(0.3 * truth + 0.1, truth)).item() == pytest.approx(0, abs=1e-3)
    assert map_correlation(scene(1 - truth, truth)).item() == pytest.approx(2, abs=1e-3)
    assert map_correlation(scene(image(1), truth)).item() == pytest.approx(1, abs=0.1)
    pair = torch.cat([truth, truth])
    halves = map_correlation(scene(torch.cat([truth, 1 - truth]), pair)).item()
    assert halves == pytest.approx(1, abs=1e-3), "each image has its own"


def test_predicted_map_is_compared() -> None:
    truth = image()
    right, wrong = F.avg_pool2d(truth, 4), F.avg_pool2d(image(5), 4)
    assert thermal_map(scene(truth, truth, thermal=wrong)) > 0.05 + thermal_map(scene(truth, truth, thermal=right))


def test_gradient_points_to_the_ground_truth() -> None:
    truth = image()
    output = (truth + 0.1).requires_grad_()
    thermal_map(scene(output, truth)).backward()  # type: ignore[no-untyped-call]
    assert output.grad is not None
    assert bool((output.grad >= 0).all())
    assert output.grad.any()
