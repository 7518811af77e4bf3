from __future__ import annotations

import pytest

from ir_transfer.tracking.run_metrics import Aim, aim_of, best_of, best_step, shortfall, text_of


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("validation/psnr", [17.0, 18.0, 16.0], [False, True, False]),
        ("validation/rank", [0.2, -0.1, 0.3], [False, True, False]),
        ("validation/contrast", [0.8, 1.1, 1.3], [False, True, False]),
        ("loss/anything", [0.2, 0.2, 0.3], [True, True, False]),
        ("rate/learning", [0.1, 0.2, 0.3], [False, False, False]),
        ("validation/psnr", [17.0, 17.0001, 17.0], [False, False, False]),
        ("validation/psnr", [17.0, None, None], [False, False, False]),
    ],
)
def test_the_better_one_follows_the_metric(metric: str, values: list[float | None], best: list[bool]) -> None:
    aim: Aim = aim_of(metric)
    short = [None if value is None else shortfall(value, aim) for value in values]
    assert best_of(short, [text_of(value) for value in values]) == best


def test_the_best_step_is_that_of_the_best_rank() -> None:
    assert best_step({"validation/rank": [(1, 0.5), (2, 0.25), (3, 0.375)], "validation/psnr": [(3, 40.0)]}) == 2
    assert best_step({"loss/edge": [(1, 0.5)]}) is None
