"""Scenes with object boxes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, common_labels, load_labelled


def test_reads_images_boxes_and_labels(streets: Path, scenes: list[LabelledScene]) -> None:
    written = json.loads((streets / "boxes.json").read_text())
    first = scenes[0]
    assert first.real.shape == first.gray.shape == (1, 64, 80)
    assert first.real.dtype == torch.uint8
    assert first.boxes.tolist() == [entry["box"] for entry in written[first.pair.stem]]
    assert first.labels == tuple(entry["label"] for entry in written[first.pair.stem])


def test_boxes_are_scaled_with_the_image_and_stay_inside(streets: Path, tmp_path: Path) -> None:
    pair = list_pairs(streets)[0]
    frames = [[-8, 4, 40, 100], [10, 10, 11, 40], [90, 0, 99, 9]]
    (tmp_path / "boxes.json").write_text(json.dumps({pair.stem: [{"box": f, "label": "Car"} for f in frames]}))
    (scene,) = load_labelled([pair], tmp_path / "boxes.json", max_side=40)
    assert scene.real.shape == (1, 32, 40)
    # the second is half a pixel wide now, the third lies outside
    assert scene.boxes.tolist() == [[0, 2, 20, 32]]
    assert scene.labels == ("car",)


def test_black_hot_files_become_white_hot(streets: Path, scenes: list[LabelledScene]) -> None:
    (inverted,) = load_labelled(list_pairs(streets)[:1], streets / "boxes.json", black_hot=True)
    assert (255 - inverted.real.int() - scenes[0].real.int()).abs().max() <= 1


def test_labels_may_have_the_name_of_the_infrared_file(tmp_path: Path, streets: Path) -> None:
    pair = list_pairs(streets)[0]
    renamed = shutil.copy(pair.ir, tmp_path / "thermal_7.png")
    (tmp_path / "boxes.json").write_text(json.dumps({"thermal_7": [{"box": [1, 2, 30, 40], "label": "x"}]}))
    other = type(pair)(pair.stem, pair.rgb, Path(renamed))
    assert load_labelled([other], tmp_path / "boxes.json")[0].boxes.tolist() == [[1, 2, 30, 40]]


def test_single_label(streets: Path) -> None:
    chosen = load_labelled(list_pairs(streets), streets / "boxes.json", label="Person")
    assert {name for scene in chosen for name in scene.labels} == {"person"}


def test_absent_label_lists_the_present_ones(streets: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown label in .*boxes\.json 'persn': did you mean 'person'"):
        load_labelled(list_pairs(streets), streets / "boxes.json", label="persn")


def test_no_objects_is_an_error(streets: Path, tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text("{}")
    with pytest.raises(InputError, match=r"expected objects of s00000_f00 and 5 other scenes .* got none"):
        load_labelled(list_pairs(streets), tmp_path / "boxes.json")


def test_labels_missing_from_one_subset_are_omitted(streets: Path, scenes: list[LabelledScene]) -> None:
    people = load_labelled(list_pairs(streets), streets / "boxes.json", label="person")
    assert common_labels(scenes, people) == (["person"], ["vehicle"])
    vehicles = load_labelled(list_pairs(streets), streets / "boxes.json", label="vehicle")
    with pytest.raises(InputError, match=r"got \['person'\] and \['vehicle'\]"):
        common_labels(people, vehicles)
