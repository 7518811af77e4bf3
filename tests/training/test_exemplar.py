"""The exemplar of the validation where the recipe names none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.training.exemplar import validation_exemplar
from ir_transfer.training.recipe import DataSection, Source
from tests.training.pair_set import render_pairs


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    render_pairs(tmp_path / "pairs", 6)
    levels = [10, 60, 110, 120, 140, 250]
    for level, path in zip(levels, sorted((tmp_path / "pairs" / "ir").iterdir()), strict=True):
        noise = np.random.default_rng(level).normal(level, 3, (72, 96)).clip(0, 255)
        Image.fromarray(noise.astype(np.uint8)).save(path)
    return DataSection("lwir", [Source("pairs")], "pairs", validation_every=6)


def test_a_typical_picture_that_does_not_validate_is_taken(section: DataSection, tmp_path: Path) -> None:
    found, path = validation_exemplar(section, tmp_path)
    assert path.name == "scene_3.png"  # the median of those that do not validate
    assert (found == np.asarray(Image.open(path))).all()


def test_a_named_file_is_taken_and_must_be_there(section: DataSection, tmp_path: Path) -> None:
    named = DataSection("lwir", [Source("pairs")], "pairs", "pairs/ir/scene_4.png")
    assert validation_exemplar(named, tmp_path)[1] == tmp_path / "pairs" / "ir" / "scene_4.png"
    named = DataSection("lwir", [Source("pairs")], "pairs", "none.png")
    with pytest.raises(InputError, match=r"data\.validation_exemplar at .*none\.png.*leave"):
        validation_exemplar(named, tmp_path)
