"""Label files in similar or unknown formats are read, rejected or reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ir_transfer.cli import main
from ir_transfer.errors import InputError
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import SETS, text, translate, write_image

URL = "http://images.example.org/train2017/000000391895.jpg"


def lvis(root: Path, folder: str = "train2017", **image: Any) -> None:
    write_image(root / folder / "000000391895.jpg")
    content = {
        "images": [{"id": 1, "coco_url": URL, "height": 48, "width": 64, **image}],
        "categories": [{"id": 3, "name": "car", "frequency": "f"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [4, 5, 20, 10]}],
    }
    text(root / "lvis_v1_train.json", json.dumps(content))


@pytest.mark.parametrize("folder", ["train2017", "images", "images/train2017"])
def test_lvis_images_are_named_by_url(tmp_path: Path, folder: str) -> None:
    lvis(tmp_path / "in", folder)
    labelled = open_labelled(tmp_path / "in")
    assert labelled.kind == "coco"
    assert [region.name for region in labelled.regions(labelled.images[0], 48, 64)] == ["car"]
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []
    images = json.loads((tmp_path / "out/lvis_v1_train.json").read_text())["images"]
    for image, rel_path in zip(images, results[labelled.images[0].rel_path], strict=True):
        assert (tmp_path / "out" / rel_path).is_file()
        assert rel_path.name == Path(image["file_name"]).name
        # What readers of LVIS make of the URL leads to the result too.
        assert "/".join(image["coco_url"].split("/")[-2:]) == "/".join(rel_path.parts[-2:])
    assert labelled.compared == 2


@pytest.mark.parametrize(
    "images",
    [[{"id": 1, "height": 48, "width": 64}], [{"id": 1, "filename": "a.jpg"}], [{"id": 1, "coco_url": "a.jpg"}]],
)
def test_coco_like_file_without_image_names_is_rejected(tmp_path: Path, images: list[Any]) -> None:
    write_image(tmp_path / "a.jpg")
    content = {"images": images, "annotations": [{"id": 1, "image_id": 1, "bbox": [1, 2, 3, 4]}], "categories": []}
    text(tmp_path / "labels.json", json.dumps(content))
    with pytest.raises(InputError, match=r"file_name or coco_url .* --labels images"):
        open_labelled(tmp_path)
    reported = [str(one) for one in open_labelled(tmp_path, "images").problems]
    assert any("labels.json" in line for line in reported) == ("a.jpg" in json.dumps(images))


FORMS = {
    "_annotations.csv": "filename,width,height,class,xmin\nscene 1.jpg,64,48,car,3\n",
    "via.json": json.dumps({"scene 1.jpg123": {"filename": "scene 1.jpg", "regions": []}}),
    "labels.odgt": '{"ID": "scene 1", "gtboxes": []}\n',
    "bdd.json": json.dumps([{"name": "scene 1.jpg", "labels": []}]),
    "cvat.xml": '<annotations><image id="0" name="train/scene 1.jpg"/></annotations>',
    "windows.txt": "C:\\sets\\scene 1.jpg 3,4,5,6,0\n",
    "vis.json": json.dumps({"videos": [{"file_names": ["v/scene 1.jpg"]}], "annotations": [], "categories": []}),
    "train.tfrecord": "\0",
    "labels.parquet": "PAR1",
}


@pytest.mark.parametrize("name", FORMS)
def test_unknown_label_file_is_reported_and_copied(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / "in/images/scene 1.jpg")
    text(tmp_path / "in" / name, FORMS[name])
    labelled = open_labelled(tmp_path / "in")
    assert [str(rel_path) for rel_path, _ in labelled.unread] == [name]
    assert [one.message for one in labelled.problems] == [labelled.unread[0][1]]
    assert "not read and not checked" in labelled.problems[0].message
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out"), {})
    assert (tmp_path / "out" / name).read_text() == FORMS[name]


def test_unknown_per_image_files_are_reported_once_per_folder(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / f"in/images/{number}.jpg")
        text(tmp_path / f"in/labels/{number}.json", json.dumps({"shapes": [], "imagePath": f"{number}.jpg"}))
    labelled = open_labelled(tmp_path / "in")
    assert [(str(one.file), one.message.split(",")[1].split(" of")[0]) for one in labelled.problems] == [
        ("labels", " got 3 .json files")
    ]


@pytest.mark.parametrize("kind", list(SETS))
def test_known_formats_report_no_unread_files(tmp_path: Path, kind: str) -> None:
    SETS[kind](tmp_path)
    text(tmp_path / "README.md", "See a.jpg")
    text(tmp_path / "README.txt", "000001.jpg and a.jpg")
    assert open_labelled(tmp_path).unread == ()


def test_card_states_only_what_was_checked(tmp_path: Path, exemplar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "in/images/scene 1.jpg")
    text(tmp_path / "in/labels.csv", FORMS["_annotations.csv"])
    arguments = ["--style", str(exemplar), "--model", "histogram"]
    assert main(["dataset", str(tmp_path / "in"), *arguments, "-o", str(tmp_path / "out")]) == 0
    assert "labels.csv: expected labels of a known form" in capsys.readouterr().err
    card = (tmp_path / "out/README.md").read_text()
    assert "same pixels" not in card
    assert "Files that may hold labels and were not read\n\n- labels.csv: " in card
    assert "labels.csv" in (tmp_path / "out/_card/problems.txt").read_text()
    (tmp_path / "in/labels.csv").unlink()
    lvis(tmp_path / "in")
    assert main(["dataset", str(tmp_path / "in"), *arguments, "-o", str(tmp_path / "second")]) == 0
    card = (tmp_path / "second/README.md").read_text()
    assert "1 labels were compared with those of the RGB images and lie on the same pixels." in card
    assert "not read" not in card


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["labels.json", "train.csv"])
def test_label_file_in_a_windows_encoding_is_reported(tmp_path: Path, name: str, encoding: str) -> None:
    write_image(tmp_path / "images/a.jpg")
    content = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}
    (tmp_path / name).write_bytes(json.dumps(content).encode(encoding))
    labelled = open_labelled(tmp_path)
    assert labelled.kind == "images"
    (problem,) = labelled.problems
    assert str(problem.file) == name
    assert f"got a file in {encoding.upper()} (save it as UTF-8) that names 1 images" in problem.message
