"""Objects of soft class labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.evaluation.soft_objects import class_probability, soft_regions
from ir_transfer.labels.soft_labels import open_soft_labels
from ir_transfer.metrics.object_heat import object_heat

SIZE = 80, 120
"""Height and width of the scene; 20 x 30 cells."""


def label(people: float = 0.9, vehicle: float = 0.8) -> NDArray[np.uint8]:
    """A road with a person at rows 5 to 9 and columns 4 to 5, a vehicle as second class, and a too small person."""
    found = np.zeros((20, 30, 4), np.uint8)
    found[...] = (7, 230, 0, 20)
    found[5:10, 4:6] = (1, round(255 * people), 7, 10)
    found[12:16, 20:26] = (3, round(255 * vehicle), 7, 10)
    found[2, 15] = (1, 250, 7, 5)
    return found


def write(path: Path, levels: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(levels).save(path)
    return path


def test_objects_have_pixels_and_a_surrounding_ring(tmp_path: Path) -> None:
    person, vehicle = soft_regions(write(tmp_path / "s.png", label()), SIZE, SIZE)
    assert (person.label, vehicle.label) == ("person", "vehicle")
    assert (person.inside.min(axis=0).tolist(), person.inside.max(axis=0).tolist()) == ([20, 16], [39, 23])
    assert len(person.inside) == 20 * 8
    assert (person.ring.min(axis=0).tolist(), person.ring.max(axis=0).tolist()) == ([12, 8], [47, 31])
    own = {tuple(p) for p in person.inside}
    assert not own & {tuple(p) for p in person.ring}


def test_only_objects_hotter_than_their_ring_count(tmp_path: Path) -> None:
    regions = soft_regions(write(tmp_path / "s.png", label()), SIZE, SIZE)
    image = torch.full((1, 1, *SIZE), 0.3)
    image[..., 20:40, 16:24] = 0.4
    assert object_heat(image, regions) == (1, 2)
    assert object_heat(1 - image, regions) == (0, 2)


def test_unlikely_and_small_objects_are_omitted(tmp_path: Path) -> None:
    path = write(tmp_path / "s.png", label(people=0.55, vehicle=0.59))
    assert soft_regions(path, SIZE, SIZE) == []
    assert len(soft_regions(write(tmp_path / "t.png", label(people=0.61)), SIZE, SIZE)) == 2


def test_ring_excludes_cells_that_may_belong_to_the_class(tmp_path: Path) -> None:
    levels = label()
    levels[3:12, 6:9] = (7, 150, 1, 60)  # perhaps a person, at .24
    person, _ = soft_regions(write(tmp_path / "s.png", levels), SIZE, SIZE)
    assert person.ring[:, 1].max() < 24 and person.ring[:, 1].min() == 8


def test_probabilities_of_first_and_second_class() -> None:
    levels = np.array([[(1, 153, 3, 51), (3, 204, 1, 25), (7, 255, 0, 0)]], np.uint8)
    assert class_probability(levels, 1).tolist() == [pytest.approx([0.6, 25 / 255, 0])]
    assert class_probability(levels, 3).tolist() == [pytest.approx([0.2, 0.8, 0])]


def test_objects_are_scaled_with_the_scene(tmp_path: Path) -> None:
    person, _ = soft_regions(write(tmp_path / "s.png", label()), SIZE, (40, 60))
    assert (person.inside.min(axis=0).tolist(), person.inside.max(axis=0).tolist()) == ([10, 8], [19, 11])


def test_invalid_labels_are_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "s.png", label())
    with pytest.raises(InputError, match=r"quarter of the scene's 240 x 160 pixels, got 30 x 20"):
        soft_regions(path, (160, 240), (160, 240))
    with pytest.raises(InputError, match=r"RGBA at .*gray\.png, got mode L"):
        soft_regions(write(tmp_path / "gray.png", label()[..., 0].copy()), SIZE, SIZE)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DecodeError, match=r"text\.png"):
        soft_regions(tmp_path / "text.png", SIZE, SIZE)
    with pytest.raises(MissingFileError, match="none"):
        open_soft_labels(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        open_soft_labels(tmp_path / "empty")
    assert open_soft_labels(tmp_path).keys() == {"s", "gray", "text"}
