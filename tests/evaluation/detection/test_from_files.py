"""Which pairs are learnt and which are tested on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ir_transfer.data.cards import load_card
from ir_transfer.data.pairs import list_pairs
from ir_transfer.data.render.layouts import write_layout
from ir_transfer.errors import InputError
from ir_transfer.evaluation.detection.experiment import Training
from ir_transfer.evaluation.detection.from_files import Files, detect_on_files


def _copy(streets: Path, out: Path, stems: list[str]) -> Path:
    for side in ("rgb", "ir"):
        (out / side).mkdir(parents=True)
        for stem in stems:
            shutil.copy(streets / side / f"{stem}.png", out / side)
    return out


def test_two_roots(streets: Path, tmp_path: Path) -> None:
    train = _copy(streets, tmp_path / "train", ["s00000_f00", "s00001_f00"])
    test = _copy(streets, tmp_path / "test", ["s00002_f00"])
    parts = Files(train, streets / "boxes.json", test).parts()
    assert [[pair.stem for pair in part] for part in parts] == [["s00000_f00", "s00001_f00"], ["s00002_f00"]]
    with pytest.raises(InputError, match="got s00000_f00, s00001_f00: a score on what was learnt means nothing"):
        Files(train, streets / "boxes.json", train).parts()


def test_a_split_file(streets: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    named = {"train": {"a": ["s00000_f00"]}, "val": {"b": ["s00004_f00", "s00005_f00"]}}
    split.write_text(json.dumps({"parts": named}))
    train, test = Files(streets, streets / "boxes.json", split=split).parts()
    assert (len(train), len(test)) == (1, 2)
    with pytest.raises(InputError, match="--test or --split, got both"):
        Files(streets, streets / "boxes.json", test=streets, split=split).parts()
    split.write_text(json.dumps({"parts": {"train": named["train"]}}))
    with pytest.raises(InputError, match=r"got parts \['train'\]: give --test ROOT, or --split FILE"):
        Files(streets, streets / "boxes.json", split=split).parts()


def test_published_parts_of_a_card(tmp_path: Path) -> None:
    card = load_card("llvip")
    write_layout(tmp_path / "set", card, 6, size=(48, 40))
    train, test = Files(tmp_path / "set", tmp_path / "boxes.json", card=card).parts()
    assert {pair.part for pair in train} == {"train"}
    assert {pair.part for pair in test} == {"test"}
    assert len(train) + len(test) == len(list_pairs(tmp_path / "set", card))


def test_neither_root_nor_split(streets: Path) -> None:
    with pytest.raises(InputError, match="got parts none: give --test ROOT, or --split FILE"):
        Files(streets, streets / "boxes.json").parts()


@pytest.mark.parametrize("exemplar", ["{}/ir/s00005_f00.png", "nearest:{}"])
def test_an_exemplar_of_a_test_scene_is_refused(streets: Path, tmp_path: Path, exemplar: str) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"parts": {"train": {"a": ["s00000_f00"]}, "test": {"b": ["s00005_f00"]}}}))
    files = Files(streets, streets / "boxes.json", split=split)
    with pytest.raises(InputError, match="exemplars outside the test scenes, got that of s00005_f00"):
        detect_on_files(files, [exemplar.format(streets)], ["fda"], {}, Training(1, (0,)))
