from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.labels.coco_objects import region_of_segmentation
from ir_transfer.labels.regions import polygon_region

CORNERS = ((2, 3), (12, 3), (12, 9), (2, 9))


def polygon(*points: tuple[float, float]) -> list[float]:
    return [number for point in points for number in point]


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("step", [1, -1])
def test_axis_aligned_corners_are_a_box_in_any_order(start: int, closed: bool, step: int) -> None:
    points = [CORNERS[(start + step * number) % 4] for number in range(5 if closed else 4)]
    assert polygon_region("a", "1", [polygon(*points)]).rectangular


def test_rounded_corners_are_recognised_as_a_box() -> None:
    assert polygon_region("a", "1", [polygon((2, 3), (12, 3.3), (12.2, 9), (2, 9))]).rectangular


@pytest.mark.parametrize(
    "points",
    [
        CORNERS[:3],
        ((7, 3), (12, 6), (7, 9), (2, 6)),
        ((2, 3), (12, 4), (12, 9), (2, 9)),
        ((2, 3), (12, 9), (12, 3), (2, 9)),
        ((2, 3), (2, 3), (12, 9), (2, 9)),
        (*CORNERS, (2, 6)),
        ((2, 3), (7, 3), (12, 3), (12, 9), (2, 9)),
    ],
)
def test_other_polygons_are_not_boxes(points: tuple[tuple[float, float], ...]) -> None:
    assert not polygon_region("a", "1", [polygon(*points)]).rectangular


def test_two_polygons_are_not_a_box() -> None:
    first, second = polygon(*CORNERS), polygon((20, 3), (30, 3), (30, 9), (20, 9))
    assert not polygon_region("a", "1", [first, second]).rectangular
    inside = np.zeros((12, 16), bool)
    inside[3:9, 2:12] = True
    np.testing.assert_array_equal(polygon_region("a", "1", [first]).mask(12, 16), inside)


def test_rle_is_rectangular_only_if_it_fills_its_box() -> None:
    def runs(mask: NDArray[np.bool_]) -> dict[str, Any]:
        flat = mask.T.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        return {"size": list(mask.shape), "counts": np.diff([0, *edges, len(flat)]).tolist()}

    mask = np.zeros((8, 12), bool)
    mask[2:5, 3:9] = True
    full = region_of_segmentation("a", "1", runs(mask), None, mask.shape)
    assert full is not None
    assert full.rectangular
    assert full.box == (3, 2, 9, 5)
    mask[2, 3] = False
    holed = region_of_segmentation("a", "1", runs(mask), None, mask.shape)
    assert holed is not None
    assert not holed.rectangular
    np.testing.assert_array_equal(holed.mask(8, 12), mask)


def test_rle_with_a_huge_stated_size_uses_little_memory() -> None:
    side = 2**25
    found = region_of_segmentation(
        "a", "1", {"size": [side, side], "counts": [5, 3, side * side - 8]}, None, (side, side)
    )
    assert found is not None
    assert found.box == (0, 5, 1, 8)
