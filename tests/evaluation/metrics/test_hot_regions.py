"""Pseudo objects on rendered scenes."""

from __future__ import annotations

import torch

from ir_transfer.evaluation.metrics.hot_regions import hot_region_share, hot_regions
from ir_transfer.evaluation.metrics.object_heat import Box

PERSON = Box(60, 40, 72, 76, "hot")


def street() -> torch.Tensor:
    """A person, a hot road edge (too long), a hot sign (too flat) and single hot pixels (too small)."""
    picture = torch.full((1, 1, 128, 160), 0.35)
    picture[..., PERSON.top : PERSON.bottom, PERSON.left : PERSON.right] = 0.9
    picture[..., 110:113, :] = 0.9
    picture[..., 20:24, 100:140] = 0.9
    picture[..., 90:94, 20:24] = 0.9
    return picture


def test_finds_the_compact_region_alone() -> None:
    assert hot_regions(street()) == [PERSON]


def test_share_counts_regions_that_stay_hot() -> None:
    cold = street()
    cold[..., PERSON.top : PERSON.bottom, PERSON.left : PERSON.right] = 0.3
    assert hot_region_share(street(), street()) == (1, 1)
    assert hot_region_share(cold, street()) == (0, 1)
    assert hot_region_share(1 - street(), street()) == (0, 1)


def test_a_flat_truth_has_no_regions() -> None:
    assert hot_region_share(street(), torch.full_like(street(), 0.5)) == (0, 0)
