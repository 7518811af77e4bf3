"""Scenes and images in both training and validation."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ir_transfer.data.cards import load_card
from ir_transfer.errors import InputError
from ir_transfer.synthetic.layouts import write_layout
from ir_transfer.training.batches import BatchSource
from ir_transfer.training.recipe import DataSection, Source
from tests.training.pair_set import render_pairs


def test_scene_in_training_and_validation_is_found(tmp_path: Path) -> None:
    write_layout(tmp_path / "set", load_card("kaist"), 12, (96, 64))
    source = Source("set", card="kaist")
    data = DataSection("lwir", [source], "set", validation_every=5, validation_card="kaist", crop=32)
    with pytest.raises(InputError, match=r"got 'set\d\d_V\d\d\d' of the card kaist in both \(and \d more\)") as caught:
        BatchSource(data, tmp_path, 0)
    message = str(caught.value)
    assert message.count("/visible/") == 2
    assert "(data.sources[0])" in message
    assert "datasets split kaist" in message
    assert "'validation_part: val'" in message


def test_renamed_copies_are_found(tmp_path: Path) -> None:
    render_pairs(tmp_path / "train", 4)
    render_pairs(tmp_path / "val", 2, seed=5)
    data = DataSection("lwir", [Source("train")], "val", crop=48)
    assert BatchSource(data, tmp_path, 0).count == 4
    for side in ("rgb", "ir"):
        shutil.copy(tmp_path / "val" / side / "scene_1.png", tmp_path / "train" / side / "new_name.png")
    with pytest.raises(InputError, match=r"train/rgb/new_name\.png .*its copy .*val/rgb/scene_1\.png .*remove"):
        BatchSource(data, tmp_path, 0)


def test_overlapping_subsets_are_rejected(tmp_path: Path) -> None:
    write_layout(tmp_path / "set", load_card("msrs"), 6, (96, 64))
    source = Source("set", card="msrs", part="train")
    data = DataSection("lwir", [source], "set", validation_card="msrs", validation_part="train", crop=32)
    with pytest.raises(InputError, match=r"\.png in data\.sources\[0\] and in data\.validation.*part: train"):
        BatchSource(data, tmp_path, 0)
    every = BatchSource(replace(data, validation_every=2), tmp_path, 0)
    assert 0 < every.count < 4
