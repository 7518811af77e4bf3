"""Selection of training and test pairs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ir_transfer import create_model
from ir_transfer.data.cards import load_card
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.detection.conditions import SceneTranslator
from ir_transfer.evaluation.detection.experiment import Training
from ir_transfer.evaluation.detection.from_files import DetectionFiles, detect_on_files
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene
from ir_transfer.evaluation.exemplars import choose_policy
from ir_transfer.evaluation.methods import Method
from ir_transfer.synthetic.layouts import write_layout


def _copy(streets: Path, out: Path, stems: list[str]) -> Path:
    for side in ("rgb", "ir"):
        (out / side).mkdir(parents=True)
        for stem in stems:
            shutil.copy(streets / side / f"{stem}.png", out / side)
    return out


def test_separate_training_and_test_roots(streets: Path, tmp_path: Path) -> None:
    train = _copy(streets, tmp_path / "train", ["s00000_f00", "s00001_f00"])
    test = _copy(streets, tmp_path / "test", ["s00002_f00"])
    parts = DetectionFiles(train, streets / "boxes.json", test).subsets()
    assert [[pair.stem for pair in part] for part in parts] == [["s00000_f00", "s00001_f00"], ["s00002_f00"]]
    with pytest.raises(InputError, match="got s00000_f00, s00001_f00: a score on training scenes is not valid"):
        DetectionFiles(train, streets / "boxes.json", train).subsets()


def test_subsets_of_a_split_file(streets: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    named = {"train": {"a": ["s00000_f00"]}, "val": {"b": ["s00004_f00", "s00005_f00"]}}
    split.write_text(json.dumps({"parts": named}))
    train, test = DetectionFiles(streets, streets / "boxes.json", split=split).subsets()
    assert (len(train), len(test)) == (1, 2)
    with pytest.raises(InputError, match="--test or --split, got both"):
        DetectionFiles(streets, streets / "boxes.json", test=streets, split=split).subsets()
    split.write_text(json.dumps({"parts": {"train": named["train"]}}))
    with pytest.raises(InputError, match=r"got subsets \['train'\]: give --test ROOT, or --split FILE"):
        DetectionFiles(streets, streets / "boxes.json", split=split).subsets()


def test_published_subsets_of_a_card(tmp_path: Path) -> None:
    card = load_card("llvip")
    write_layout(tmp_path / "set", card, 6, size=(48, 40))
    train, test = DetectionFiles(tmp_path / "set", tmp_path / "boxes.json", card=card).subsets()
    assert {pair.part for pair in train} == {"train"}
    assert {pair.part for pair in test} == {"test"}
    assert len(train) + len(test) == len(list_pairs(tmp_path / "set", card))


def test_missing_test_root_and_split_is_an_error(streets: Path) -> None:
    with pytest.raises(InputError, match="got subsets none: give --test ROOT, or --split FILE"):
        DetectionFiles(streets, streets / "boxes.json").subsets()


def test_exemplar_of_a_test_scene_is_rejected(streets: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"parts": {"train": {"a": ["s00000_f00"]}, "test": {"b": ["s00005_f00"]}}}))
    files = DetectionFiles(streets, streets / "boxes.json", split=split)
    with pytest.raises(InputError, match="exemplars outside the test scenes, got those of s00005_f00"):
        detect_on_files(files, [f"{streets}/ir/s00005_f00.png"], ["fda"], {}, Training(1, (0,)))


def test_nearest_never_selects_a_test_scene(streets: Path, scenes: list[LabelledScene]) -> None:
    pairs = [scene.pair for scene in scenes]
    fda = Method("fda", create_model("fda"))
    near = choose_policy([f"nearest:{streets}"], leave_out={pair.ir for pair in pairs[1:5]})
    assert SceneTranslator(near, pairs[1:5])(fda, pairs[0]).shape == (1, 64, 80)
    with pytest.raises(InputError, match="exemplars outside the test scenes"):
        SceneTranslator(choose_policy([f"nearest:{streets / 'ir'}"]), pairs[1:])(fda, pairs[0])
