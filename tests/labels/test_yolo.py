from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import yaml

from ir_transfer.errors import InputError
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from ir_transfer.labels.yolo import label_path
from tests.labels.sets import text, translate, write_image, yolo_set

LINE = "0 0.5 0.5 0.25 0.5"


def messages(labelled: LabelledSet) -> str:
    return "\n".join(f"{one.file} {one.where}: {one.message}" for one in labelled.problems)


def as_a_trainer(path: Path) -> dict[str, dict[Path, str]]:
    """Read a set as training code does: data.yaml, the images of its splits, and their labels."""
    data = yaml.safe_load(path.read_text())
    root = Path(data.get("path") or path.parent)
    found: dict[str, dict[Path, str]] = {}
    for split in ("train", "val", "test"):
        entries = data.get(split) or []
        files: list[str] = []
        for entry in [entries] if isinstance(entries, str) else entries:
            rel_path = (root / entry).resolve()
            if rel_path.is_dir():
                files += [str(file) for file in rel_path.rglob("*.*")]
            else:
                lines = rel_path.read_text().splitlines()
                files += [f"{rel_path.parent}/{line[2:]}" if line.startswith("./") else line for line in lines]
        found[split] = {}
        for file in sorted(files):
            if file.endswith((".jpg", ".png")):
                assert Path(file).is_file()
                label = "/labels/".join(file.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt"
                found[split][Path(file)] = Path(label).read_text() if Path(label).is_file() else ""
    return found


def carried(tmp_path: Path, variants: int = 2) -> tuple[LabelledSet, dict[str, dict[str, str]]]:
    """Translate the set and return it with the labels of the new one by split and file name."""
    labelled = open_labelled(tmp_path / "in", "yolo")
    out = tmp_path / "out"
    results = translate(labelled, out, variants)
    labelled.write(out, results, {"model": "adain"})
    assert compare_labels(labelled, open_labelled(out, "yolo"), results) == []
    seen = as_a_trainer(out / "data.yaml") if (out / "data.yaml").is_file() else {}
    assert all(out in file.parents for files in seen.values() for file in files)
    return labelled, {key: {p.name: label for p, label in files.items()} for key, files in seen.items()}


def test_new_set_loads_without_changes(tmp_path: Path) -> None:
    yolo_set(tmp_path / "in")
    labelled, seen = carried(tmp_path)
    first = (tmp_path / "in/labels/train/a.txt").read_text()
    second = (tmp_path / "in/labels/train/b c.txt").read_text()
    assert seen == {
        "train": {"a.png": first, "a__v1.png": first, "b c.png": second, "b c__v1.png": second},
        "val": {"d.png": "", "d__v1.png": ""},
        "test": {},
    }
    assert (tmp_path / "out/labels/train/a__v1.txt").read_bytes() == (tmp_path / "in/labels/train/a.txt").read_bytes()
    assert (tmp_path / "out/data.yaml").read_text() == (
        '# scenes\npath: ""  # here\ntrain: images/train\nval:\n  [images/val]\nnc: 2\n'
        'names: [person, car]\nlicense: CC BY\nir_transfer: {"model": "adain"}\n'
    ).replace("val:\n  [images/val]\n", "val:\n  - images/val\n")
    assert labelled.licences == ("CC BY",)
    assert labelled.classes == ("person", "car")
    assert [one.split for one in labelled.images] == ["train", "train", "val"]


def test_image_list_files_are_rewritten(tmp_path: Path) -> None:
    for name in ("a", "b", "c d"):
        write_image(tmp_path / f"in/images/{name}.jpg")
        text(tmp_path / f"in/labels/{name}.txt", LINE)
    text(tmp_path / "in/train.txt", "\ufeff./images/a.jpg\r\n\r\n/home/someone/set/images/c d.jpg\r\n../images/a.jpg")
    text(tmp_path / "in/val.txt", "images/b.jpg\n../../etc/passwd\nimages/gone.jpg\n")
    text(tmp_path / "in/data.yaml", "train: train.txt\nval: [val.txt]\nnames: {0: person, 4: car}\n")
    labelled, seen = carried(tmp_path)
    assert {key: sorted(files) for key, files in seen.items()} == {
        "train": ["a.png", "a__v1.png", "c d.png", "c d__v1.png"],
        "val": ["b.png", "b__v1.png"],
        "test": [],
    }
    assert (tmp_path / "out/train.txt").read_bytes().decode() == (
        "./images/a.png\r\n./images/a__v1.png\r\n\r\n./images/c d.png\r\n./images/c d__v1.png\r\n"
    )
    reported = messages(labelled)
    assert "val.txt 2: expected an image of the set, got '../../etc/passwd'" in reported
    assert "val.txt 3" in reported
    assert "train.txt 4" in reported
    assert labelled.classes == ("person", "car")


@pytest.mark.parametrize(
    ("folder", "data"),
    [
        ("train/images", {"train": "../train/images", "val": "../train/images", "nc": 1}),
        ("images/train", {"path": "../datasets/in", "train": "images/train", "val": "images/train"}),
        ("images/train", {"path": "in", "train": ["images/train"], "val": []}),
        ("images/train", {"path": ".", "train": "./images/train", "val": None}),
        ("data/images", {"path": "data", "train": "images", "val": "images"}),
        ("images", {"train": "/content/in/images", "val": "D:\\in\\images"}),
        ("images", {"path": "C:\\in", "train": "images/", "val": "images"}),
        ("images", {"train": ".", "val": "images"}),
    ],
)
def test_common_paths_in_data_yaml(tmp_path: Path, folder: str, data: dict[str, Any]) -> None:
    write_image(tmp_path / "in" / folder / "a.jpg")
    text(tmp_path / "in" / label_path(PurePosixPath(folder) / "a.jpg"), LINE)
    text(tmp_path / "in/data.yaml", yaml.safe_dump({"names": ["person"], **data}))
    labelled, seen = carried(tmp_path, 1)
    assert seen["train"] == {"a.png": LINE}
    assert labelled.images[0].split == "train"


def test_entries_outside_the_set_are_skipped(tmp_path: Path) -> None:
    write_image(tmp_path / "secret/images/x.jpg")
    write_image(tmp_path / "in/images/a.jpg")
    text(tmp_path / "in/labels/a.txt", LINE)
    text(
        tmp_path / "in/data.yaml",
        f"names: [p]\ntrain: images\nval: ../secret/images\ntest: ['{tmp_path}/secret', images]\n",
    )
    labelled, seen = carried(tmp_path, 1)
    assert (tmp_path / "out/data.yaml").read_text() == (
        'names: [p]\ntrain: images\nval: null\ntest: [images]\nir_transfer: {"model": "adain"}\n'
    )
    assert seen["val"] == {}
    assert [one.rel_path for one in labelled.images] == [PurePosixPath("images/a.jpg")]
    assert messages(labelled).count("in the set, found none: left out") == 2


def test_set_without_data_yaml_reads_classes_txt(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"in/images/{name}.png")
    text(tmp_path / "in/labels/a.txt", LINE)
    text(tmp_path / "in/labels/gone.txt", LINE)
    text(tmp_path / "in/labels/classes.txt", "person\ncar\n")
    text(tmp_path / "in/labels.cache", "old")
    labelled, _ = carried(tmp_path)
    assert labelled.classes == ("person", "car")
    reported = messages(labelled)
    assert "images/b.png : expected labels at labels/b.txt, found none" in reported
    assert "labels/gone.txt : expected the image" in reported
    assert {p.name for p in (tmp_path / "out").rglob("*.*")} == {
        "a.png", "a__v1.png", "b.png", "b__v1.png", "a.txt", "a__v1.txt", "classes.txt",
    }  # fmt: skip


def test_labels_beside_images_and_repeated_stems(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "b.jpg"):
        write_image(tmp_path / "in/all" / name)
    text(tmp_path / "in/all/a.txt", LINE)
    text(tmp_path / "in/all/b.txt", "a caption")
    labelled = open_labelled(tmp_path / "in")
    assert (labelled.kind, labelled.classes) == ("yolo", ("0",))
    assert "expected one image, got all/a.jpg and all/a.png: both have it" in messages(labelled)
    rel_paths = [PurePosixPath(p) for p in ("all/a.png", "all/a_png.png", "all/b.png")]
    results = {one.rel_path: [rel_path] for one, rel_path in zip(labelled.images, rel_paths, strict=True)}
    labelled.write(tmp_path / "out", results, {})
    assert {p.name: p.read_text() for p in (tmp_path / "out/all").iterdir()} == {
        "a.txt": LINE, "a_png.txt": LINE, "b.txt": "a caption",
    }  # fmt: skip


def test_rotated_boxes_polygons_and_keypoints(tmp_path: Path) -> None:
    write_image(tmp_path / "in/images/a.jpg")
    lines = [
        "0 0.5 0.5 0.25 0.5",
        "0 0.5 0.5 0.25 0.5 0.9",
        "0 0.5 0 1 0.5 0.5 1 0 0.5",
        "0.0 0 0 1 0 1 1",
        "0 0.5 0.5 0.25 0.5 0.1 0.1 2",
    ]
    text(tmp_path / "in/labels/a.txt", "\n".join(lines))
    labelled = open_labelled(tmp_path / "in")
    box, confident, rotated, polygon, pose = labelled.regions(labelled.images[0], 48, 64)
    assert box.box == confident.box == pose.box == (24, 12, 40, 36)
    assert box.mask(48, 64).sum() == 16 * 24
    assert rotated.box == polygon.box == (0, 0, 64, 48)
    assert rotated.mask(48, 64).mean() == pytest.approx(0.5, abs=0.02)
    assert polygon.mask(48, 64)[:, ::-1][np.triu_indices(48, 17, 64)].all() or polygon.mask(48, 64).mean() > 0.45
    assert labelled.problems == ()
    text(tmp_path / "in/data.yaml", "train: images\nval: images\nnames: [p]\nkpt_shape: [2, 2]\n")
    text(tmp_path / "in/labels/a.txt", "0 0.5 0.5 0.25 0.5 0.1 0.1 0.9 0.9")
    posed = open_labelled(tmp_path / "in")
    assert posed.regions(posed.images[0], 48, 64)[0].box == (24, 12, 40, 36)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0 0.5", "a box with an area, got 0"),
        ("0 nan 0.5 0.1 0.5", "four finite numbers"),
        ("0 inf 0.5 0.1 0.5", "four finite numbers"),
        ("-1 0.5 0.5 0.1 0.5", "a class from 0"),
        ("0.5 0.5 0.5 0.1 0.5", "a class from 0"),
        ("0 0.5 0.5", "at least four"),
        ("person 0.5 0.5 0.1 0.5", "in numbers"),
        ("0 0 0 0 0 0 0 0 0 0", "a box, a polygon or keypoints, got 9"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4 0.5 0.5 0.6", "got 11 numbers"),
        ("\x00\x01\ufffd", "in numbers"),
        ("1" * 5000 + " 0.5 0.5 0.1 0.1", "four finite numbers"),
    ],
)
def test_invalid_line_is_skipped(tmp_path: Path, line: str, message: str) -> None:
    yolo_set(tmp_path / "in")
    text(tmp_path / "in/labels/train/a.txt", f"{line}\r\n{LINE}\n7 10 10 2 2\n")
    labelled = open_labelled(tmp_path / "in")
    first, unknown = labelled.regions(labelled.images[0], 48, 64)
    assert (first.name, first.box, unknown.name) == ("person", (24, 12, 40, 36), "7")
    reported = messages(labelled)
    assert f"labels/train/a.txt 1: expected {message}" in reported or message in reported
    assert "labels/train/a.txt 3: expected a class of 2, got 7" in reported
    assert "labels/train/a.txt 3: expected numbers in [0, 1], got [10.0" in reported
    carried(tmp_path, 1)
    assert (tmp_path / "out/labels/train/a.txt").read_bytes() == (tmp_path / "in/labels/train/a.txt").read_bytes()


def test_invalid_bytes_are_kept(tmp_path: Path) -> None:
    yolo_set(tmp_path / "in")
    (tmp_path / "in/labels/train/a.txt").write_bytes(b"\xff\xfe0\x00 \x00\n" + LINE.encode())
    labelled, _ = carried_bytes(tmp_path)
    assert len(labelled.regions(labelled.images[0], 48, 64)) == 1
    assert (tmp_path / "out/labels/train/a.txt").read_bytes() == (tmp_path / "in/labels/train/a.txt").read_bytes()


def carried_bytes(tmp_path: Path) -> tuple[LabelledSet, list[PurePosixPath]]:
    labelled = open_labelled(tmp_path / "in")
    return labelled, labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})


@pytest.mark.parametrize(
    "content",
    [
        "names: [a, b]\ntrain: &p images/train\nval: *p\npath: /x\n",
        "{names: [a, b], train: images/train, val: [images/val], path: /x}",
        "path: '/x'\r\ntrain: \"images/train\"\r\nval: 'images/val'\r\nnames:\r\n  0: a\r\n  1: b",
        "!!map {path: /x, names: [a, b], train: images/train, val: images/val}",
    ],
)
def test_any_yaml_style_is_kept(tmp_path: Path, content: str) -> None:
    yolo_set(tmp_path / "in")
    text(tmp_path / "in/data.yaml", content)
    labelled, seen = carried(tmp_path, 1)
    assert sorted(seen["train"]) == ["a.png", "b c.png"]
    made = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert (made["path"], made["ir_transfer"]) == ("", {"model": "adain"})
    assert labelled.classes == ("a", "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("names: [a\ntrain: x", "YAML"),
        ("- a", "mapping"),
        ("train: images", "names and train"),
        ("a: &a [*a]\nnames: [a]\ntrain: images", "aliases"),
        ("l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9)), "aliases"),
        ("names: !!python/object/apply:os.system [exit]\ntrain: x", "YAML"),
        ("\x00", "YAML"),
        ("#" * (2**20 + 1), "at most"),
        ("[" * 5000, "100 deep"),
        ("- " * 5000, "YAML"),
    ],
)
def test_broken_data_yaml_is_skipped(tmp_path: Path, content: str, message: str) -> None:
    yolo_set(tmp_path / "in")
    text(tmp_path / "in/data.yaml", content)
    labelled = open_labelled(tmp_path / "in")
    assert len(labelled.images) == 3
    assert message in messages(labelled)


def test_set_without_images_is_rejected(tmp_path: Path) -> None:
    text(tmp_path / "in/data.yaml", "names: [a]\ntrain: images\n")
    with pytest.raises(InputError, match="images with YOLO labels"):
        open_labelled(tmp_path / "in")
