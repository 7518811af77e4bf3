from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.nn.thermal.regions import COUNT, OBJECTS, Regions, regions_of


def regions(name: str, overview: Tensor) -> Regions:
    """Return the regions of an overview that shows one class."""
    logits = torch.zeros(1, len(CLASSES), 12, 16)
    logits[:, CLASSES.index(name)] = 20
    return regions_of(logits).of_overview(overview, (48 / overview.shape[-2], 64 / overview.shape[-1]))


@pytest.mark.parametrize(
    ("name", "number"),
    [("person", 0), ("two-wheeler", 1), ("vehicle", 2), ("sky", 3), ("vegetation", 4)]
    + [(name, 5) for name in ("terrain", "road", "sidewalk")]
    + [(name, 6) for name in ("other", "building", "pole or sign")],
)
def test_every_class_belongs_to_one_region(name: str, number: int) -> None:
    found = regions(name, torch.rand(1, 3, 48, 64))
    assert found.shares.shape == (1, COUNT, 12, 16)
    torch.testing.assert_close(found.shares.sum(1), torch.ones(1, 12, 16))
    assert found.shares[:, number].min() > 0.99
    assert (found.people > 0.5).all() == (name == "person")
    assert (found.objects > 0.5).all() == (number < OBJECTS)
    assert (found.sky > 0.5).all() == (name == "sky")


def test_regions_have_the_cells_of_the_overview() -> None:
    assert regions("sky", torch.rand(1, 3, 97, 130)).sky.shape == (1, 1, 25, 33)
