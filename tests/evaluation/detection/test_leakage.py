"""Test scenes that are also training scenes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, load_labelled
from ir_transfer.evaluation.detection.leakage import (
    look_alikes,
    refuse_shared_images,
    refuse_shared_names,
    refuse_test_exemplars,
)
from ir_transfer.synthetic.write import write_scenes


def test_names_in_both_subsets_are_reported(streets: Path) -> None:
    pairs = list_pairs(streets)
    refuse_shared_names(pairs[:3], pairs[3:])
    with pytest.raises(InputError, match=r"no pair in training and test at once, got s00002_f00, s00003_f00: "):
        refuse_shared_names(pairs[:4], pairs[2:])
    with pytest.raises(InputError, match=r"s00004_f00 and 1 more"):
        refuse_shared_names(pairs, pairs)


def test_scene_in_both_subsets_is_reported() -> None:
    one, other = (Pair(f"walk_{frame}", Path("a"), Path("b"), scene="walk") for frame in (1, 2))
    with pytest.raises(InputError, match="no scene in training and test at once, got walk"):
        refuse_shared_names([one], [other])


def test_renamed_copy_is_found(scenes: list[LabelledScene]) -> None:
    refuse_shared_images(scenes[:3], scenes[3:])
    renamed = replace(scenes[0], pair=replace(scenes[0].pair, stem="other"))
    with pytest.raises(InputError, match="got other = s00000_f00"):
        refuse_shared_images(scenes[:3], [renamed])


def test_exemplars_of_test_scenes_are_rejected(streets: Path) -> None:
    pairs = list_pairs(streets)
    refuse_test_exemplars([pairs[0].ir], pairs[3:])
    with pytest.raises(InputError, match="exemplars outside the test scenes, got those of s00003_f00"):
        refuse_test_exemplars([pairs[0].ir, pairs[3].ir.parent / ".." / "ir" / pairs[3].ir.name], pairs[3:])


def test_adjacent_video_frames_are_similar(tmp_path: Path) -> None:
    write_scenes(tmp_path / "set", 2, frames=2, size=(160, 128), boxes=True)
    (a0, a1, b0, b1) = load_labelled(list_pairs(tmp_path / "set"), tmp_path / "set" / "boxes.json")
    assert look_alikes([a0, b0], [a1]) == ["s00000_f01 = s00000_f00"]
    assert look_alikes([a0, a1], [b0, b1]) == []
