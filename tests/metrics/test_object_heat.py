"""Object heat and hot regions of drawn scenes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.errors import InputError
from ir_transfer.metrics.object_heat import (
    Box,
    hot_in_ground_truth,
    hot_regions,
    hotter_than_ring,
    object_heat,
)

BOX = Box(20, 10, 30, 30)


def rendered(excess: float, background: float = 0.4) -> torch.Tensor:
    image = torch.full((1, 1, 60, 80), background)
    image[..., BOX.top : BOX.bottom, BOX.left : BOX.right] += excess
    return image


@pytest.mark.parametrize(("excess", "hot"), [(0.05, 1), (0.031, 1), (0.029, 0), (0.0, 0), (-0.3, 0)])
def test_counts_objects_hotter_than_their_ring(excess: float, hot: int) -> None:
    assert object_heat(rendered(excess), [BOX]) == (hot, 1)


def test_ring_is_half_a_box_wide_and_excludes_the_box() -> None:
    assert BOX.grown() == Box(15, 0, 35, 40)
    image = rendered(0.1)[0, 0].double().numpy()
    image[:, :15] = image[:, 35:] = image[40:] = 1.0  # beyond the ring: must not matter
    assert hotter_than_ring(image, BOX)
    image[5, 15:35] = 1.0  # inside the ring: 20 of 600 pixels at 0.6 above raise it by 0.02
    assert hotter_than_ring(image, BOX, margin=0.079)
    assert not hotter_than_ring(image, BOX, margin=0.081)


def test_boxes_outside_the_image_are_ignored() -> None:
    assert object_heat(rendered(0.1), [BOX, Box(200, 0, 220, 20), Box(-9, -9, -2, -2), Box(5, 5, 5, 9)]) == (1, 1)


def test_box_that_fills_the_image_is_ignored() -> None:
    whole = Box(0, 0, 80, 60)
    assert object_heat(rendered(0.1), [whole]) == (0, 0)
    with pytest.raises(InputError, match="box with a ring"):
        hotter_than_ring(rendered(0.1)[0, 0].double().numpy(), whole)


@given(st.integers(-20, 90), st.integers(-20, 70), st.integers(1, 130), st.integers(1, 130))
def test_flat_image_has_no_hot_objects(left: int, top: int, width: int, height: int) -> None:
    hot, _ = object_heat(torch.full((1, 1, 60, 80), 0.5), [Box(left, top, left + width, top + height)])
    assert hot == 0


def test_only_objects_hot_in_the_ground_truth_are_counted() -> None:
    cold = Box(50, 10, 60, 30)
    truth = rendered(0.1)
    kept = hot_in_ground_truth(truth, [BOX, cold])
    assert kept == [BOX]
    assert object_heat(rendered(-0.1), kept) == (0, 1)


PERSON = Box(60, 40, 72, 76, "hot")


def street() -> torch.Tensor:
    """A person, a hot road edge (too long), a hot sign (too flat) and single hot pixels (too small)."""
    image = torch.full((1, 1, 128, 160), 0.35)
    image[..., PERSON.top : PERSON.bottom, PERSON.left : PERSON.right] = 0.9
    image[..., 110:113, :] = 0.9
    image[..., 20:24, 100:140] = 0.9
    image[..., 90:94, 20:24] = 0.9
    return image


def test_finds_only_compact_regions() -> None:
    assert hot_regions(street()) == [PERSON]


def test_share_is_that_of_regions_that_stay_hot() -> None:
    cold = street()
    cold[..., PERSON.top : PERSON.bottom, PERSON.left : PERSON.right] = 0.3
    assert object_heat(street(), hot_regions(street())) == (1, 1)
    assert object_heat(cold, hot_regions(street())) == (0, 1)
    assert object_heat(1 - street(), hot_regions(street())) == (0, 1)


def test_flat_ground_truth_has_no_regions() -> None:
    assert object_heat(street(), hot_regions(torch.full_like(street(), 0.5))) == (0, 0)
