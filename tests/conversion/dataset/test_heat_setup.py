from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.dataset.heat_rules import parse_heat
from ir_transfer.conversion.dataset.heat_setup import check_heat, make_heat
from ir_transfer.conversion.dataset.options import DatasetOptions
from ir_transfer.conversion.options import Options
from ir_transfer.data.labels.open import open_labelled
from ir_transfer.errors import InputError
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


def asked(root: Path, *texts: str) -> DatasetOptions:
    rules, auto = parse_heat(texts)
    return DatasetOptions(Options((str(root),), ("a.png",)), heat=rules, heat_auto=auto)


def test_with_auto_classes_of_the_detector_are_found_and_others_come_from_labels(yolo: Path) -> None:
    labelled = open_labelled(yolo)
    of_labels, of_found = check_heat(asked(yolo, "auto", "delivery_van=0.1", "bicycle=0.3"), labelled)
    assert [rule.text for rule in of_labels] == ["delivery van=+0.1"]
    assert {"person=+0.2", "bicycle=+0.3"} <= {rule.text for rule in of_found}


def test_nothing_is_loaded_that_is_not_asked_for(yolo: Path) -> None:
    labelled = open_labelled(yolo)
    assert make_heat(asked(yolo), labelled, torch.device("cpu")) is None
    heat = make_heat(asked(yolo, "pedestrian=0.1"), labelled, torch.device("cpu"))
    assert heat is not None
    assert heat.look == {}


def test_an_unknown_class_stops_the_run_before_it_begins(
    yolo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["dataset", str(yolo), "--style", str(exemplar), "--model", "histogram", "-o", str(tmp_path / "ir")]
    assert main([*command, "--heat", "person=0.2", "--dry-run"]) == 2
    assert "known: Delivery Van, Pedestrian" in capsys.readouterr().err
    assert main([*command, "--heat", "person=0.2"]) == 2
    assert not (tmp_path / "ir").exists()


def test_pictures_without_labels_need_auto(yolo: Path) -> None:
    pictures = open_labelled(yolo / "images")
    with pytest.raises(InputError, match="use --heat auto"):
        check_heat(asked(yolo, "person=0.2"), pictures)
    assert check_heat(asked(yolo, "auto"), pictures)[1]
