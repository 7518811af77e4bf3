from __future__ import annotations

import itertools

import pytest

from ir_transfer.tracking.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, draw, thinned


def places(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def test_curves_fill_the_drawing_and_share_its_axes() -> None:
    drawing = draw({0: [(0, 1.0), (100, 2.0)], 1: [(50, 1.5), (200, 1.0)]})
    first, second = (places(line.places) for line in drawing.lines)
    assert first[0][0] == LEFT
    assert second[1][0] == WIDTH - RIGHT
    assert first[0][1] == second[1][1]
    assert first[1][1] < second[0][1] < first[0][1]
    assert all(TOP <= y <= HEIGHT - BOTTOM for _, y in first + second)
    assert not drawing.logarithmic
    assert [text for _, text in drawing.across] == ["0", "50", "100", "150", "200"]


def test_a_wide_range_of_positive_values_is_logarithmic() -> None:
    drawing = draw({0: [(1, 1.0), (2, 0.1), (3, 0.01)]})
    assert drawing.logarithmic
    (_, top), (_, middle), (_, bottom) = places(drawing.lines[0].places)
    assert middle == pytest.approx((top + bottom) / 2, abs=0.2)
    assert [text for _, text in drawing.up] == ["0.01", "0.1", "1"]
    assert not draw({0: [(1, 1.0), (2, -0.01)]}).logarithmic
    assert [text for _, text in draw({0: [(1, 1e-4), (2, 2e-4)]}).up] == ["1e-4", "1.5e-4", "2e-4"]


def test_one_point_and_a_constant_can_be_drawn() -> None:
    for curve in ([(7, 0.0)], [(1, 3.0), (2, 3.0)]):
        drawing = draw({0: curve})
        assert len(places(drawing.lines[0].places)) == len(curve)
        assert drawing.up


def test_letters_at_the_ends_do_not_cover_each_other() -> None:
    drawing = draw({i: [(0, float(i)), (1, 1.0)] for i in range(5)})
    heights = sorted(line.end[1] for line in drawing.lines)
    assert min(b - a for a, b in itertools.pairwise(heights)) >= 10.9
    assert heights[-1] <= HEIGHT - BOTTOM


def test_thinning_keeps_peaks() -> None:
    curve = [(i, float(i == 777)) for i in range(10000)]
    thin = thinned(curve, 100)
    assert len(thin) <= 100
    assert (777, 1.0) in thin
    assert thin == sorted(thin)
