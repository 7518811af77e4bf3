"""Boxes from VOC xml and JSON."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.metrics.object_heat import Box
from ir_transfer.synthetic.write import write_scenes
from tests.labels.sets import voc_xml

VOC = """<annotation><object><name>Person</name><bndbox><xmin>3</xmin><ymin>4.0</ymin><xmax>10</xmax><ymax>20</ymax>
</bndbox></object><object><name>Car</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>5</xmax><ymax>6</ymax></bndbox>
</object></annotation>"""


def test_voc_folder(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(VOC)
    assert read_boxes(tmp_path, "a") == [Box(2, 3, 10, 20, "Person"), Box(0, 1, 5, 6, "Car")]
    assert read_boxes(tmp_path, "a", "person") == [Box(2, 3, 10, 20, "Person")]
    assert read_boxes(tmp_path, "unlabelled") == []


def test_voc_counts_from_1_and_includes_the_last_pixel(tmp_path: Path) -> None:
    corners = "<xmin>1</xmin><ymin>1</ymin><xmax>64</xmax><ymax>48</ymax>"
    (tmp_path / "a.xml").write_text(
        f"<annotation><object><name>all</name><bndbox>{corners}</bndbox></object></annotation>"
    )
    assert read_boxes(tmp_path, "a") == [Box(0, 0, 64, 48, "all")]


def test_reads_json_boxes(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"a": [{"box": [1, 2.4, 3, 4], "label": "Car"}, {"box": [0, 0, 9, 9]}]}))
    assert read_boxes(path, "a") == [Box(1, 2, 3, 4, "Car"), Box(0, 0, 9, 9)]
    assert read_boxes(path, "b") == []


@pytest.mark.parametrize("text", ["{", "[]", '{"a": [{"box": [1, 2, 3]}]}', '{"a": [[1, 2, 3, 4]]}'])
def test_damaged_json_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"boxes of 'a' in .*boxes\.json"):
        read_boxes(path, "a")


@pytest.mark.parametrize(
    "text",
    [
        "<annotation>",
        "<annotation><object></object></annotation>",
        "<other/>",
        f"<annotation>{'<a>' * 10_000}{'</a>' * 10_000}</annotation>",
        '<!DOCTYPE annotation [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>',
    ],
)
def test_damaged_or_hostile_xml_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match="expected boxes of 'a' in "):
        read_boxes(tmp_path, "a")


def test_object_parts_are_not_objects(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(voc_xml("a.jpg"))
    assert read_boxes(tmp_path, "a") == [Box(4, 5, 20, 30, "person")]


@pytest.mark.parametrize(
    "nested", ["[" * 100_000, '{"images": [], "annotations": ' + "[" * 100_000, '{"a": ' * 100_000]
)
def test_deeply_nested_json_is_an_error(tmp_path: Path, nested: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(nested)
    with pytest.raises(InputError, match=r"boxes of 'a' in .*boxes\.json.*"):
        read_boxes(path, "a")


def test_names_match_in_any_unicode_form(tmp_path: Path) -> None:
    one, other = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    (tmp_path / f"{other}.xml").write_text(voc_xml("x.jpg"))
    assert len(read_boxes(tmp_path, one)) == 1
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({one: [{"box": [0, 0, 9, 9]}]}))
    assert read_boxes(path, other) == [Box(0, 0, 9, 9)]


def test_two_images_with_one_stem_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    content = {
        "images": [{"id": number, "file_name": f"{number}/a.jpg"} for number in (1, 2)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="two images named a"):
        read_boxes(path, "a")


def test_lvis_images_are_named_by_url(tmp_path: Path) -> None:
    path = tmp_path / "lvis.json"
    content = {
        "images": [{"id": 1, "coco_url": "http://images.example.org/train2017/000000391895.jpg"}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    path.write_text(json.dumps(content))
    assert read_boxes(path, "000000391895") == [Box(1, 2, 4, 6, "person")]


def test_missing_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="VOC"):
        read_boxes(tmp_path / "none", "a")


def test_reads_coco_boxes(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    content = {
        "images": [{"id": 7, "file_name": "data/a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [1, 2.4, 3, 4]},
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ],
    }
    path.write_text(json.dumps(content))
    assert read_boxes(path, "a") == [Box(1, 2, 4, 6, "person")]
    assert read_boxes(path, "b") == read_boxes(path, "c") == []
    content["annotations"][0]["category_id"] = 5
    path.write_text(json.dumps(content) + " ")
    with pytest.raises(InputError, match=r"boxes of 'a' in .*category_id 5"):
        read_boxes(path, "a")


def test_rendered_scenes_have_equal_boxes_in_both_layouts(tmp_path: Path) -> None:
    write_scenes(tmp_path / "set", 1, size=(96, 80), boxes=True)
    own, coco = (read_boxes(tmp_path / "set" / name, "s00000_f00") for name in ("boxes.json", "annotations.json"))
    assert own == coco != []
