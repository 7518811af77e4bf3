import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CocoDetection

from ir_transfer.errors import InputError
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.coco import CocoSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from ir_transfer.labels.text_io import read_limited
from tests.labels.sets import RUNS, coco_content, coco_set, text, translate, write_image

TRAIN = "annotations/instances_train2017.json"


def write(tmp_path: Path, content: Any, name: str = "labels.json") -> LabelledSet:
    text(tmp_path / "in" / name, content if isinstance(content, str) else json.dumps(content))
    return open_labelled(tmp_path / "in")


def one_image(tmp_path: Path, *annotations: Any, **image: Any) -> LabelledSet:
    """Open a set of one image with annotations."""
    write_image(tmp_path / "in/images/a.jpg")
    content = coco_content()
    content["images"] = [{**content["images"][0], **image}]
    content["annotations"] = [{"id": 1, "image_id": 7, "category_id": 3, **one} for one in annotations]
    return write(tmp_path, content)


def messages(labelled: LabelledSet) -> str:
    return "\n".join(f"{one.file} {one.where}: {one.message}" for one in labelled.problems)


def test_all_content_except_names_is_kept_byte_for_byte(tmp_path: Path) -> None:
    for name in ("a.jpg", "x/b.jpeg"):
        write_image(tmp_path / "in/images" / name)
    content = (
        '\ufeff{"zeta": 1.0, "annotations" :[\r\n  {"bbox": [1.0, 0.10, 1e1, 2.50], "id":12345678901234567890,\r\n'
        '   "image_id": 3, "category_id": 1, "score":1E-7, "odd": {"a": [null, -0.0, "\\u00e9 é"]}},{"id" : 2, '
        '"image_id": 4, "category_id": 1, "bbox": [0, 0, 3, 4]}]\n, "images":[ {"file_name" : "a.jpg", "id": 3, '
        '"date": "x/b.jpeg"},\n\n{"id": 4, "file_name":"x\\/b.jpeg"} ], "categories": [{"id": 1, "name": "a.jpg"}],'
        '"info":{ "year":2017.0,"description":"D" ,"x":[ ]}  , "licenses":[{"name":"by","url":"u"}]}\r\n'
    )
    labelled = write(tmp_path, content)
    results = translate(labelled, tmp_path / "out", 1)
    labelled.write(tmp_path / "out", results, {})
    expected = content.replace('"file_name" : "a.jpg"', '"file_name" : "a.png"')
    expected = expected.replace('"x\\/b.jpeg"', '"x/b.png"')
    assert (tmp_path / "out/labels.json").read_bytes().decode() == expected
    labelled.write(tmp_path / "out", results, {"model": "adain"})
    expected = expected.replace('"D"', '"D (translated to infrared with ir-transfer)"')
    expected = expected.replace('"x":[ ]}', '"x":[ ], "ir_transfer": {"model": "adain"}}')
    assert (tmp_path / "out/labels.json").read_bytes().decode() == expected
    assert labelled.info == {"year": "2017.0", "description": "D"}
    assert labelled.licences == ("by (u)",)
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("", {"info": {"description": "(translated to infrared with ir-transfer)", "ir_transfer": {"m": "é"}}}),
        ('"info": {},', {"info": {"ir_transfer": {"m": "é"}}}),
        ('"info": "old",', {"info": "old", "ir_transfer": {"m": "é"}}),
        (
            '"info": {"ir_transfer": 3, "description": "(translated to infrared with ir-transfer)"},',
            {"info": {"ir_transfer": {"m": "é"}, "description": "(translated to infrared with ir-transfer)"}},
        ),
    ],
)
def test_origin_is_recorded_for_any_info_entry(tmp_path: Path, info: str, expected: dict[str, Any]) -> None:
    write_image(tmp_path / "in/a.jpg")
    labelled = write(tmp_path, f'{{{info} "images": [{{"id": 1, "file_name": "a.jpg"}}]}}')
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {"m": "é"})
    made = json.loads((tmp_path / "out/labels.json").read_text())
    assert made == {**expected, "images": [{"id": 1, "file_name": "a.png"}]}


def test_variants_have_unique_ids_in_every_file(tmp_path: Path) -> None:
    coco_set(tmp_path / "in")
    labelled = open_labelled(tmp_path / "in")
    assert [(p.rel_path.name, p.split) for p in labelled.images] == [
        ("a.jpg", "train"),
        ("b c é.png", "train"),
        ("a.jpg", "val"),
    ]
    results = translate(labelled, tmp_path / "out", 3)
    labelled.write(tmp_path / "out", results, {})
    made = json.loads((tmp_path / "out" / TRAIN).read_text())
    captions = json.loads((tmp_path / "out/annotations/captions_train2017.json").read_text())
    names = {one["id"]: one["file_name"] for one in made["images"]}
    assert names == {one["id"]: one["file_name"] for one in captions["images"]}
    assert list(names.values()) == [f"{s}{e}.png" for s in ("a", "b c é") for e in ("", "__v1", "__v2")]
    assert names[7] == "a.png"
    ids = [one["id"] for one in made["annotations"]]
    assert len(set(ids)) == len(ids) == 9
    for one in made["annotations"]:
        source = next(old for old in coco_content()["annotations"] if old["bbox"] == one["bbox"])
        assert {**one, "id": 0, "image_id": 0} == {**source, "id": 0, "image_id": 0}
    assert [one["image_id"] for one in captions["annotations"]] == [
        one["id"] for one in made["images"] if one["file_name"].startswith("a")
    ]
    # One more failure moves no other id.
    labelled.write(tmp_path / "less", {p: r for p, r in results.items() if p.name != "a.jpg"}, {})
    less = json.loads((tmp_path / "less" / TRAIN).read_text())
    assert less["images"] == [one for one in made["images"] if one["file_name"].startswith("b")]
    assert less["annotations"] == [
        one for one in made["annotations"] if one["image_id"] in {i["id"] for i in less["images"]}
    ]


def test_written_files_load_in_training_libraries(tmp_path: Path) -> None:
    mask_tools = pytest.importorskip("pycocotools.mask", reason="no pycocotools: install the extra detect")
    coco_set(tmp_path / "in")
    labelled = open_labelled(tmp_path / "in")
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {"model": "adain"})
    after = open_labelled(tmp_path / "out")
    trainer = CocoDetection(str(tmp_path / "out/train2017"), str(tmp_path / "out" / TRAIN))
    assert len(trainer) == 4
    seen = {}
    for index, key in enumerate(trainer.ids):
        image, targets = trainer[index]
        assert image.size == (64, 48)
        seen[trainer.coco.imgs[key]["file_name"]] = targets
    assert {name: len(targets) for name, targets in seen.items()} == {
        "a.png": 2, "a__v1.png": 2, "b c é.png": 1, "b c é__v1.png": 1,
    }  # fmt: skip
    for one in after.images:
        regions = after.regions(one, 48, 64)
        for region, target in zip(
            regions, seen.get(one.rel_path.name, []) if one.split == "train" else [], strict=True
        ):
            left, top, width, height = target["bbox"]
            assert region.box == (left, top, left + width, top + height)
            if "segmentation" in target:
                theirs = mask_tools.decode(
                    mask_tools.frPyObjects(target["segmentation"], 48, 64)
                    if isinstance(target["segmentation"], dict)
                    else mask_tools.merge(mask_tools.frPyObjects(target["segmentation"], 48, 64))
                ).astype(bool)
                ours = region.mask(48, 64)
                assert (ours & theirs).sum() > 0.9 * (ours | theirs).sum() > 0


def test_compressed_and_uncompressed_rle_and_crowds(tmp_path: Path) -> None:
    mask_tools = pytest.importorskip("pycocotools.mask", reason="no pycocotools: install the extra detect")
    packed = mask_tools.frPyObjects(RUNS, 48, 64)
    compressed = {"size": packed["size"], "counts": packed["counts"].decode()}
    labelled = one_image(
        tmp_path,
        {"segmentation": RUNS, "bbox": [10, 5, 2, 20], "iscrowd": 1},
        {"segmentation": compressed, "id": 2},
    )
    plain, other = labelled.regions(labelled.images[0], 48, 64)
    assert plain.box == other.box == (10, 5, 12, 25)
    np.testing.assert_array_equal(plain.mask(48, 64), mask_tools.decode(packed).astype(bool))
    np.testing.assert_array_equal(plain.mask(48, 64), other.mask(48, 64))
    assert labelled.problems == ()


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"bbox": [1, 1, 0, 5]}, "a box with an area, got 0 x 5"),
        ({"bbox": [1, 1, -2, 5]}, "a box with an area"),
        ({"bbox": [1, 2, 10**400, 5]}, "list of numbers"),
        ({"bbox": "1 2 3 4"}, "list of numbers"),
        ({"bbox": [1, 2, 3]}, "four finite numbers"),
        ({"bbox": None}, "list of numbers"),
        ({"segmentation": [[1, 2, 3, 4]]}, "3 to 10000 corners"),
        ({"segmentation": [[1] * 20_006]}, "3 to 10000 corners"),
        ({"segmentation": [{"a": 1}]}, "list of numbers"),
        ({"segmentation": "x"}, "polygons or run lengths"),
        ({"segmentation": {"counts": [3, 4], "size": [48, 64]}}, "run lengths that fill"),
        ({"segmentation": {"counts": [2**62] * 4 + [48 * 64], "size": [48, 64]}}, "run lengths that fill"),
        ({"segmentation": {"counts": [0.5], "size": [48, 64]}}, "whole numbers"),
        ({"segmentation": {"counts": "o" * 1_000_000, "size": [48, 64]}}, "compressed run lengths"),
        ({"segmentation": {"counts": "é", "size": [48, 64]}}, "compressed run lengths"),
        ({"segmentation": {"counts": [48 * 64], "size": [48, 64]}}, "hold pixels"),
        ({"segmentation": {"counts": [1 << 60], "size": [1 << 30, 1 << 30]}}, "run lengths of an image"),
        ({"segmentation": {}, "bbox": []}, "four finite numbers"),
        ({"category_id": 99, "bbox": [1, 1, 1]}, "a category of the file, got category_id 99"),
        ({"category_id": [1], "bbox": [1, 1, 1]}, "a category of the file"),
        ({"image_id": 8, "bbox": [1, 2, 3, 4]}, "image_id 8, got none"),
        ({"image_id": {}, "bbox": [1, 2, 3, 4]}, "an image_id, got none"),
    ],
)
def test_invalid_annotation_is_skipped(tmp_path: Path, annotation: dict[str, Any], message: str) -> None:
    good = {"id": 2, "bbox": [3, 4, 5, 6]}
    labelled = one_image(tmp_path, annotation, good)
    (region,) = labelled.regions(labelled.images[0], 48, 64)
    assert region.box == (3, 4, 8, 10)
    assert message in messages(labelled)
    assert {one.file for one in labelled.problems} == {PurePosixPath("labels.json")}
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    old, new = ((tmp_path / name / "labels.json").read_text() for name in ("in", "out"))
    assert new == old.replace("a.jpg", "a.png")


def test_invalid_polygon_keeps_the_box(tmp_path: Path) -> None:
    labelled = one_image(
        tmp_path, {"segmentation": [[1, 2]], "bbox": [3, 4, 5, 6]}, {"id": 2, "image_id": 7.0, "bbox": [1, 1, 1, 1]}
    )
    boxed, other = labelled.regions(labelled.images[0], 48, 64)
    assert boxed.mask(48, 64).sum() == 30
    assert other.box == (1, 1, 2, 2)
    assert "its box is used" in messages(labelled)
    assert labelled.regions(labelled.images[0], 64, 48)
    assert "expected the size of its image, 48 x 64, got 64 x 48" in messages(labelled)


@pytest.mark.parametrize(
    ("images", "file", "names"),
    [
        (["train/a.jpg", "train/b.jpg"], "train/_annotations.coco.json", ["a.jpg", "b.jpg"]),
        (["images/a.jpg"], "annotations.json", ["a.jpg"]),
        (["images/a.jpg"], "annotations/labels.json", ["images/a.jpg"]),
        (["images/a.jpg"], "annotations/labels.json", ["../images/a.jpg"]),
        (["data/train/a.jpg", "data/val/a.jpg"], "labels/train.json", ["train/a.jpg"]),
        (["images/val/a.jpg", "images/train/a.jpg"], "annotations/val.json", ["a.jpg"]),
        (["images/val2017/a.jpg", "images/train2017/a.jpg"], "annotations/person_keypoints_val2017.json", ["a.jpg"]),
        (["valid/images/a.jpg", "train/images/a.jpg"], "annotations/instances_val.json", ["a.jpg"]),
        (["pics/x/a.jpg"], "labels.json", ["x\\a.jpg"]),
        (["pics/x/a.jpg"], "labels.json", ["/home/someone/pics/x/a.jpg"]),
        (["pics/x/a.jpg"], "labels.json", ["D:\\pics\\x\\a.jpg"]),
        (["pics/x\\a.jpg"], "labels.json", ["x\\a.jpg"]),
        (["images/line\nbreak ü.jpg"], "labels.json", ["line\nbreak ü.jpg"]),
    ],
)
def test_common_layouts_are_detected(tmp_path: Path, images: list[str], file: str, names: list[str]) -> None:
    for number, name in enumerate(images):
        write_image(tmp_path / "in" / name, number)
    records = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    boxes = [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [3, 4, 5, 6]}]
    content = {"images": records, "annotations": boxes, "categories": [{"id": 1, "name": "x"}]}
    labelled = write(tmp_path, content, file)
    assert [str(one.rel_path) for one in labelled.images] == images[: len(names)]
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []
    again = json.loads((tmp_path / "out" / file).read_text())["images"]
    assert not any(one["file_name"].startswith(("/", "D:")) for one in again)


def test_missing_and_outside_images_are_reported(tmp_path: Path) -> None:
    write_image(tmp_path / "secret.jpg")
    write_image(tmp_path / "in/images/a.jpg")
    write_image(tmp_path / "in/images/unlisted.jpg")
    names = ["a.jpg", "../../secret.jpg", "gone.jpg", str(tmp_path / "secret.jpg"), "", "a.jpg\0", None, "a.jpg"]
    content = coco_content() | {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 1, 1 + number, 1]} for number in range(8)
        ],
    }
    labelled = write(tmp_path, content)
    assert [str(one.rel_path) for one in labelled.images] == ["images/a.jpg"]
    reported = messages(labelled)
    assert "image 1: expected an image inside the set, got '../../secret.jpg'" in reported
    for number in (2, 3, 4, 5):
        assert f"image {number}: expected" in reported
    assert "image 6: expected a file_name" in reported
    assert "image 7: expected one entry for images/a.jpg, got two" in reported
    assert "images : expected only labelled images, got 1" in reported
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    made = json.loads((tmp_path / "out/labels.json").read_text())
    assert [one["id"] for one in made["images"]] == [0, 6, 7]
    assert [one["image_id"] for one in made["annotations"]] == [0, 6, 7]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == ["a.png", "labels.json"]


def test_ids_of_any_type_are_kept_unique(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write_image(tmp_path / "in/images" / name)
    images = [{"id": key, "file_name": f"{name}.jpg"} for key, name in (("x", "a"), (-3, "b"), (None, "c"))]
    boxes = [{"id": "x", "image_id": "x", "category_id": 1, "bbox": [1, 1, 2, 2]}]
    boxes += [{"id": "x__v1", "image_id": -3, "category_id": 1, "bbox": [1, 1, 3, 3]}]
    boxes += [{"image_id": -3, "category_id": 1, "bbox": [1, 1, 4, 4]}] * 2
    labelled = write(tmp_path, {**coco_content(), "images": images, "annotations": boxes})
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    made = json.loads((tmp_path / "out/labels.json").read_text())
    assert [one["id"] for one in made["images"]] == ["x", "x__v1", -3, -2, None, None]
    assert [one.get("id") for one in made["annotations"]] == [
        "x", "x__v1_", "x__v1", "x__v1__v1", None, None, None, None,
    ]  # fmt: skip
    after = open_labelled(tmp_path / "out")
    assert compare_labels(labelled, after, results) == []


@pytest.mark.parametrize(
    "broken",
    [
        '{"images": [{"file_name": "a.jpg"',
        '{"images": [{"file_name": "a.jpg"}]} and more',
        '{"images": [{"file_name": "a.jpg"},]}',
        '{"images": [{"file_name": "a.jpg"}], "images": []}',
        '{"images": 3, "file_name": 4}',
        '["images", "file_name"]',
        '{"images": ' + "[" * 100_000 + '"file_name"',
        '{"images" "file_name"}',
        '{"images", "file_name": 3}',
        '{3: "images", "file_name": 3}',
        '{"categories": ["images", "file_name"]}',
        '\x00"images""file_name"',
    ],
)
def test_broken_file_is_skipped(tmp_path: Path, broken: str) -> None:
    write_image(tmp_path / "in/images/a.jpg")
    text(tmp_path / "in/bad.json", broken)
    with pytest.raises(InputError, match=r"bad\.json: expected"):
        open_labelled(tmp_path / "in")
    labelled = one_image(tmp_path, {"bbox": [1, 2, 3, 4]})
    assert [str(one.rel_path) for one in labelled.images] == ["images/a.jpg"]
    assert "bad.json : expected" in messages(labelled)
    written = labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    assert written == [PurePosixPath("labels.json")]


def test_panoptic_segments_are_read(tmp_path: Path) -> None:
    write_image(tmp_path / "in/val2017/a.jpg")
    ids = np.zeros((48, 64), np.int64)
    ids[:20] = 300
    ids[20:, 30:] = 70_000
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
    (tmp_path / "in/annotations/panoptic_val2017").mkdir(parents=True)
    Image.fromarray(colours).save(tmp_path / "in/annotations/panoptic_val2017/a.png")
    segments = [
        {"id": 300, "category_id": 1, "bbox": [0, 0, 64, 20], "iscrowd": 0},
        {"id": 70_000, "category_id": 3, "bbox": [30, 20, 34, 28]},
        {"id": 5, "category_id": 3},
    ]
    content = {
        **coco_content(),
        "images": [{"id": 7, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 7, "file_name": "a.png", "segments_info": segments}],
    }
    labelled = write(tmp_path, content, "annotations/panoptic_val2017.json")
    sky, car = labelled.regions(labelled.images[0], 48, 64)
    assert (sky.name, sky.box, car.name, car.box) == ("person", (0, 0, 64, 20), "car", (30, 20, 64, 48))
    np.testing.assert_array_equal(car.mask(48, 64), ids == 70_000)
    assert "segment 5: expected its pixels" in messages(labelled)
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    made = json.loads((tmp_path / "out/annotations/panoptic_val2017.json").read_text())
    assert [(one["image_id"], one["file_name"]) for one in made["annotations"]] == [(7, "a.png"), (15, "a__v1.png")]
    assert made["annotations"][1]["segments_info"] == segments
    old = (tmp_path / "in/annotations/panoptic_val2017/a.png").read_bytes()
    for name in ("a", "a__v1"):
        assert (tmp_path / f"out/annotations/panoptic_val2017/{name}.png").read_bytes() == old
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []
    (tmp_path / "in/annotations/panoptic_val2017/a.png").unlink()
    gone = CocoSet(labelled._tree)
    assert gone.regions(gone.images[0], 48, 64) == []


def test_instances_in_keypoint_files_are_not_duplicated(tmp_path: Path) -> None:
    coco_set(tmp_path / "in")
    text(tmp_path / "in/annotations/person_keypoints_train2017.json", json.dumps(coco_content()))
    labelled = open_labelled(tmp_path / "in")
    assert [one.instance for one in labelled.regions(labelled.images[0], 48, 64)] == ["1", "2"]
    assert labelled.classes == ("person", "car")


def test_label_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A COCO file may have 1 GiB."""
    coco_set(tmp_path / "in")
    reads: list[str] = []

    def counted(path: Path, limit: int) -> bytes:
        reads.append(path.name)
        return read_limited(path, limit)

    for module in ("base", "coco", "side_files", "text_io"):
        monkeypatch.setattr(f"ir_transfer.labels.{module}.read_limited", counted)
    labelled = open_labelled(tmp_path / "in")
    assert labelled.problems == ()
    labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out"), {"model": "adain"})
    names = [path.name for path in (tmp_path / "in/annotations").iterdir()]
    assert sorted(name for name in reads if name.endswith(".json")) == sorted(names)
