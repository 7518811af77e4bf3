"""Names in label files that differ in form from those on disk."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
import pytest

from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from ir_transfer.labels.paths import path_variants
from tests.labels.sets import coco_content, index_mask, text, translate, voc_xml, write_image

Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, ...] = ("NFC", "NFD")


def coco(root: Path, stem: str, named: str) -> None:
    write_image(root / f"train/{stem}.jpg", 1)
    content = coco_content()
    content["images"] = [{"id": 7, "file_name": f"{named}.jpg", "width": 64, "height": 48}]
    content["annotations"] = content["annotations"][:2]
    text(root / "annotations/instances_train.json", json.dumps(content, ensure_ascii=False))


def coco_beside(root: Path, stem: str, named: str) -> None:
    """Images in a folder whose name has the other Unicode form."""
    coco(root, f"{stem}/{stem}", f"{named}/{named}")


def yolo(root: Path, stem: str, named: str) -> None:
    write_image(root / f"images/{stem}/{stem}.jpg", 1)
    text(root / f"labels/{named}/{named}.txt", "0 0.5 0.5 0.25 0.5\n")
    text(root / "data.yaml", f"train: images/{named}\nnames: [person]\n")


def yolo_list(root: Path, stem: str, named: str) -> None:
    write_image(root / f"images/{stem}.jpg", 1)
    text(root / f"labels/{named}.txt", "0 0.5 0.5 0.25 0.5\n")
    text(root / "train.txt", f"./images/{named}.jpg\n")


def voc(root: Path, stem: str, named: str) -> None:
    write_image(root / f"JPEGImages/{stem}.jpg", 1)
    text(root / f"Annotations/{named}.xml", voc_xml(f"{named}.jpg"))
    text(root / "ImageSets/Main/train.txt", f"{named}\n")
    mask = np.zeros((48, 64), np.uint8)
    mask[7:20, 5:12] = 1
    index_mask(root / f"SegmentationObject/{named}.png", mask)


def kitti(root: Path, stem: str, named: str) -> None:
    write_image(root / f"training/image_2/{stem}.png", 1)
    text(root / f"training/label_2/{named}.txt", "Car 0 0 0 10.5 20.25 40 44.75 1 1 1 1 1 1 1\n")


def masks(root: Path, stem: str, named: str) -> None:
    write_image(root / f"images/{stem}.jpg", 1)
    mask = np.zeros((48, 64), np.uint8)
    mask[7:20, 5:12] = 1
    index_mask(root / f"masks/{named}_mask.png", mask)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("build", [coco, coco_beside, yolo, yolo_list, voc, kitti, masks])
def test_labels_match_images_in_any_unicode_form(
    tmp_path: Path, build: Callable[[Path, str, str], None], form: Form
) -> None:
    other = FORMS[1 - FORMS.index(form)]
    build(tmp_path / "in", *(unicodedata.normalize(one, "Café Ä") for one in (form, other)))
    labelled = open_labelled(tmp_path / "in")
    assert len(labelled.images) == 1
    assert labelled.images[0].path.is_file()
    assert labelled.regions(labelled.images[0], 48, 64)
    assert labelled.problems == ()
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    after = open_labelled(tmp_path / "out")
    assert compare_labels(labelled, after, results) == []
    # What was written can be read by programs that compare bytes.
    stems = {path.stem.split("__")[0].removesuffix("_mask") for path in (tmp_path / "out").rglob("Caf*.*")}
    assert stems == {unicodedata.normalize(form, "Café Ä")}


def test_png_keeps_its_name_on_disk(tmp_path: Path) -> None:
    stem = unicodedata.normalize("NFD", "é")
    write_image(tmp_path / "in" / f"{stem}.png", 1)
    text(tmp_path / "in/labels.json", json.dumps({"images": [{"id": 1, "file_name": "é.png"}]}))
    labelled = open_labelled(tmp_path / "in")
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    assert json.loads((tmp_path / "out/labels.json").read_text())["images"][0]["file_name"] == f"{stem}.png"


@pytest.mark.parametrize(
    ("name", "rel_path"),
    [
        ("images\\3/0bd-a b.jpg", "images/0bd-a b.jpg"),  # Label Studio puts the number of the project there
        ("images\\3\\0bd-a b.jpg", "images/0bd-a b.jpg"),
        ("images/0bd-a%20b.jpg", "images/0bd-a b.jpg"),
        ("0bd-a%20b.jpg", "images/0bd-a b.jpg"),
        ("images/100%.jpg", "images/100%.jpg"),
        ("caf%C3%A9.jpg", "images/café.jpg"),
        ("/data/local-files/?d=images%5C0bd-a%20b.jpg", "images/0bd-a b.jpg"),
        ("/data/upload/3/0bd-a%20b.jpg", "images/0bd-a b.jpg"),
        ("https://example.org/pics/0bd-a%20b.jpg", "images/0bd-a b.jpg"),
        ("file:///home/someone/images/0bd-a b.jpg", "images/0bd-a b.jpg"),
        ("images/a%2520b.jpg", "images/a%20b.jpg"),
    ],
)
def test_backslashes_and_percent_encoding_in_names_are_resolved(tmp_path: Path, name: str, rel_path: str) -> None:
    write_image(tmp_path / "in" / rel_path, 1)
    write_image(tmp_path / "in/images/other.jpg", 2)
    images = [{"id": 0, "file_name": name}, {"id": 1, "file_name": "other.jpg"}]
    text(tmp_path / "in/result.json", json.dumps({"images": images}))
    labelled = open_labelled(tmp_path / "in")
    assert [str(one.rel_path) for one in labelled.images] == sorted([rel_path, "images/other.jpg"])
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    again = json.loads((tmp_path / "out/result.json").read_text())["images"][0]["file_name"]
    made = PurePosixPath(rel_path).with_suffix(".png")
    assert again in {str(made), made.name}


def test_names_do_not_match_other_splits_or_folders(tmp_path: Path) -> None:
    for rel_path in ("val/a.jpg", "x/b.jpg", "train/ok.jpg"):
        write_image(tmp_path / "in" / rel_path)
    names = ["train/a.jpg", "one/b.jpg", "two/b.jpg", "train/ok.jpg"]
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    text(tmp_path / "in/result.json", json.dumps({"images": images}))
    labelled = open_labelled(tmp_path / "in")
    assert [str(one.rel_path) for one in labelled.images] == ["train/ok.jpg"]


def test_unmodified_name_is_the_first_variant() -> None:
    assert path_variants("a%20b\\c.jpg") == ("a%20b\\c.jpg", "a%20b/c.jpg", "a b\\c.jpg", "a b/c.jpg")
    assert path_variants("plain.jpg") == ("plain.jpg",)
    assert "a\0" not in path_variants("a%00")


def test_list_files_with_backslashes_and_percent_encoding(tmp_path: Path) -> None:
    for stem in ("a b", "c"):
        write_image(tmp_path / f"in/images/{stem}.jpg")
        text(tmp_path / f"in/labels/{stem}.txt", "0 0.5 0.5 0.25 0.5\n")
    text(tmp_path / "in/train.txt", "images/a%20b.jpg\r\nD:\\sets\\images\\c.jpg\r\n")
    text(tmp_path / "in/data.yaml", "path: D:\\sets\\in\ntrain: train.txt\nnames: [x]\n")
    labelled = open_labelled(tmp_path / "in")
    assert [(str(one.rel_path), one.split) for one in labelled.images] == [
        ("images/a b.jpg", "train"),
        ("images/c.jpg", "train"),
    ]
    assert labelled.problems == ()
