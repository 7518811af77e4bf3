from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from ir_transfer.conversion.heat.options import NO_HEAT, parse_heat
from ir_transfer.conversion.heat.setup import check_heat, make_heat
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.labels.open import open_labelled
from tests.conftest import photograph


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    root = tmp_path / "yolo"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    Image.fromarray(photograph(48, 64)).save(root / "images/a.png")
    (root / "labels/a.txt").write_text("1 0.5 0.5 0.2 0.5\n")
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [Delivery Van, Pedestrian]\n")
    return root


def test_auto_takes_detector_classes_from_detections_and_others_from_labels(yolo: Path) -> None:
    labelled = open_labelled(yolo)
    asked = parse_heat(["auto:maskrcnn", "delivery_van=0.1", "bicycle=0.3"])
    of_labels, of_found = check_heat(asked, labelled)
    assert [rule.text for rule in of_labels] == ["delivery van=+0.1"]
    assert {"person=+0.2", "bicycle=+0.3"} <= {rule.text for rule in of_found}


def test_auto_keeps_labels_whose_classes_are_aliases_of_the_map(yolo: Path) -> None:
    of_labels, of_found = check_heat(parse_heat(["auto", "pedestrian=0.3", "bike=0.1"]), open_labelled(yolo))
    assert [rule.text for rule in of_labels] == ["pedestrian=+0.3"]
    assert [rule.text for rule in of_found] == ["person=+0.2", "vehicle=+0.02", "two wheeler=+0.1"]


def test_images_without_labels_use_the_class_map() -> None:
    assert [rule.text for rule in check_heat(parse_heat(["car=0.1"]))[1]] == ["vehicle=+0.1"]
    with pytest.raises(UnknownNameError, match=r"class of --heat 'dog': .*known: person, two wheeler, vehicle"):
        check_heat(parse_heat(["dog=0.1"]))
    assert "dog=+0.1" in [rule.text for rule in check_heat(parse_heat(["dog=0.1", "auto:maskrcnn"]))[1]]


def test_only_requested_finders_are_loaded(yolo: Path) -> None:
    labelled, gray, cpu = open_labelled(yolo), create_model("gray"), torch.device("cpu")
    assert make_heat(NO_HEAT, gray, cpu, labelled) is None
    assert make_heat(NO_HEAT, gray, cpu) is None
    heat = make_heat(parse_heat(["pedestrian=0.1"]), gray, cpu, labelled)
    assert heat is not None
    assert heat.settings == {}


def test_unknown_class_is_reported_before_the_run(
    yolo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dataset", str(yolo), "--style", str(exemplar), "--model", "histogram", "-o", str(tmp_path / "ir")]
    assert main([*command, "--heat", "person=0.2", "--dry-run"]) == 2
    assert "known: Delivery Van, Pedestrian" in capsys.readouterr().err
    assert main([*command, "--heat", "person=0.2"]) == 2
    assert not (tmp_path / "ir").exists()


def test_images_without_labels_need_auto(yolo: Path) -> None:
    images = open_labelled(yolo / "images")
    with pytest.raises(InputError, match="use --heat auto"):
        check_heat(parse_heat(["person=0.2"]), images)
    assert check_heat(parse_heat(["auto"]), images)[1]
