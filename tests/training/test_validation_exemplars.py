"""The exemplars of a validation set: given or typical ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.training.recipe import DataSection, Source, ValidationSet
from ir_transfer.training.sources import find_validations
from ir_transfer.training.validation_images import validation_exemplars
from tests.training.pair_set import render_pairs

LEVELS = [10, 60, 110, 120, 140, 250]


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    render_pairs(tmp_path / "pairs", 6)
    for level, path in zip(LEVELS, sorted((tmp_path / "pairs" / "ir").iterdir()), strict=True):
        noise = np.random.default_rng(level).normal(level, 3, (72, 96)).clip(0, 255)
        Image.fromarray(noise.astype(np.uint8)).save(path)
    return DataSection("lwir", [Source("pairs")], validations=[ValidationSet("all", "pairs")])


def names(section: DataSection, root: Path) -> list[str]:
    chosen, found = section.validation_sets[0], find_validations(section, root)[0]
    return [path.name for _, path in validation_exemplars(section, root, chosen, found)]


def test_two_typical_and_different_images_are_chosen(section: DataSection, tmp_path: Path) -> None:
    # The middle of 10, 60, 110, and of 120, 140, 250.
    assert names(section, tmp_path) == ["scene_1.png", "scene_4.png"]


def test_without_ground_truth_training_images_of_the_first_source_are_used(
    section: DataSection, tmp_path: Path
) -> None:
    held_out = ValidationSet("held-out", "pairs", every=3)  # scenes 0 and 3
    unpaired = ValidationSet("alone", "pairs/rgb", pairing="unpaired")
    assert names(replace(section, validations=[unpaired, held_out]), tmp_path) == ["scene_1.png", "scene_4.png"]
    one = replace(section, sources=[Source("pairs")], validations=[unpaired, ValidationSet("b", "pairs", every=1)])
    assert len(names(one, tmp_path)) == 2  # nothing else is left


def test_single_image_is_used_once(section: DataSection, tmp_path: Path) -> None:
    single = replace(section, validations=[ValidationSet("one", "pairs", every=6)])
    assert names(single, tmp_path) == ["scene_0.png"]


def test_given_files_are_used_and_must_exist(section: DataSection, tmp_path: Path) -> None:
    files = ["pairs/ir/scene_4.png", "pairs/ir/scene_0.png"]
    named = replace(section, validations=[ValidationSet("all", "pairs", files)])
    assert names(named, tmp_path) == ["scene_4.png", "scene_0.png"]
    with pytest.raises(InputError, match=r"exemplar of data\.validations\[0\] at .*none\.png.*omit"):
        names(replace(section, validations=[ValidationSet("all", "pairs", ["none.png"])]), tmp_path)
    short = DataSection("lwir", [Source("pairs")], "pairs", "pairs/ir/scene_4.png")
    assert names(short, tmp_path) == ["scene_4.png"]
    with pytest.raises(InputError, match=r"data\.validation_exemplar at .*none\.png.*omit"):
        names(replace(short, validation_exemplar="none.png"), tmp_path)
