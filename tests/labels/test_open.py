import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from ir_transfer.labels.tree import list_tree
from tests.labels.sets import SETS, coco_set, index_mask, text, translate, voc_xml, write_image, yolo_set
from tests.permissions import obey_permissions


@pytest.mark.parametrize("kind", SETS)
def test_every_format_is_detected_and_can_be_given(tmp_path: Path, kind: str) -> None:
    SETS[kind](tmp_path)
    assert open_labelled(tmp_path).kind == open_labelled(tmp_path, kind).kind == kind
    assert open_labelled(tmp_path, "images").kind == "images"


def test_ambiguous_formats_require_a_choice(tmp_path: Path) -> None:
    coco_set(tmp_path)
    yolo_set(tmp_path)
    with pytest.raises(
        InputError, match=r"coco \(annotations/.*\), yolo \(data.yaml\): choose with --format coco or yolo"
    ):
        open_labelled(tmp_path)
    assert len(open_labelled(tmp_path, "coco").images) == len(open_labelled(tmp_path, "yolo").images) == 3
    text(tmp_path / "xml/a.xml", voc_xml("a.jpg"))
    write_image(tmp_path / "training/image_2/q.png")
    text(tmp_path / "training/label_2/q.txt", "Car 0 0 0 1 1 5 5")
    with pytest.raises(InputError, match=r"coco .*, voc \(xml/a.xml\), yolo .*, kitti \(training/label_2/q.txt\)"):
        open_labelled(tmp_path)


def test_masks_beside_yolo_labels_require_a_choice(tmp_path: Path) -> None:
    yolo_set(tmp_path)
    index_mask(tmp_path / "masks/train/a.png", np.ones((48, 64), np.uint8))
    with pytest.raises(InputError, match=r"yolo .*, masks \(masks/train/a.png\)"):
        open_labelled(tmp_path)


def test_unrelated_files_are_not_labels(tmp_path: Path) -> None:
    for name in ("day/a.jpg", "day/b.jpg", "night/c.jpg"):
        write_image(tmp_path / name)
    text(tmp_path / "day/a.txt", "a street")
    text(tmp_path / "day/a.json", '{"images": 1, "file_name": 2}')
    text(tmp_path / "notes.xml", "<annotations></annotations>")
    text(tmp_path / "conf.yaml", "train: 3")
    labelled = open_labelled(tmp_path)
    assert (labelled.kind, labelled.classes) == ("classification", ("day", "night"))
    assert labelled.regions(labelled.images[0], 48, 64) == []
    write_image(tmp_path / "d.jpg")
    assert open_labelled(tmp_path).kind == "images"
    assert "expected a class folder" in open_labelled(tmp_path, "classification").problems[0].message


def test_missing_empty_and_unknown_sets_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="labelled set"):
        open_labelled(tmp_path / "gone")
    with pytest.raises(InputError, match="expected images in"):
        open_labelled(tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'coco'"):
        open_labelled(tmp_path, "cocoo")
    with pytest.raises(InputError, match=r"COCO's layout .* got none"):
        open_labelled(tmp_path, "coco")


def test_links_hidden_files_and_results_are_skipped(tmp_path: Path) -> None:
    root = tmp_path / "in"
    write_image(root / "a.jpg")
    write_image(root / "sub/b.jpg")
    write_image(root / ".hidden/c.jpg")
    write_image(root / "ir/d.jpg")
    write_image(tmp_path / "elsewhere/deep/e.jpg")
    write_image(tmp_path / "single.jpg")
    (root / "sub/loop").symlink_to(root, target_is_directory=True)
    (root / "again").symlink_to(root / "sub", target_is_directory=True)
    (root / "far").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "far2").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "nowhere.jpg").symlink_to(root / "gone.jpg")
    (root / "self.jpg").symlink_to(root / "self.jpg")
    (root / "linked.jpg").symlink_to(tmp_path / "single.jpg")
    os.mkfifo(root / "pipe.jpg")
    labelled = open_labelled(root, leave_out=[root / "ir"])
    assert [str(one.rel_path) for one in labelled.images] == ["a.jpg", "far/deep/e.jpg", "linked.jpg", "sub/b.jpg"]
    assert [str(one.file) for one in labelled.problems] == [
        "again", "far/back", "far2", "nowhere.jpg", "self.jpg", "sub/loop",
    ]  # fmt: skip


def test_folder_depth_is_limited(tmp_path: Path) -> None:
    deep = tmp_path / "in"
    write_image(deep / "a.jpg")
    for _ in range(70):
        deep = deep / "d"
    write_image(deep / "b.jpg")
    tree = list_tree(tmp_path / "in")
    assert tree.files == (PurePosixPath("a.jpg"),)
    assert "more than 64 folders deep" in tree.problems[0][1]


@pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
def test_unreadable_folder_is_reported(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    (tmp_path / "closed").mkdir(mode=0)
    code = "import sys; from pathlib import Path; from ir_transfer.labels.open import open_labelled\n"
    code += "found = open_labelled(Path(sys.argv[1])); print(len(found.images), *found.problems)"
    reported = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=obey_permissions,
    ).stdout
    assert reported.startswith("1 ")
    assert "Permission denied" in reported


def test_accompanying_files_are_copied(tmp_path: Path) -> None:
    root = tmp_path / "in"
    yolo_set(root)
    files = {
        "images/train/a.json": "{}",
        "images/train/a.jpg.meta": "exposure",
        "meta/train/a.csv": "1,2",
        "meta/val/a.csv": "another split",
        "notes/read me.md": "x",
        "LICENSE.txt": "\n  MIT License \n",
        "images/train/old.cache": "x",
    }
    for name, content in files.items():
        text(root / name, content)
    (root / "passwords.txt").symlink_to(tmp_path / "outside.txt")
    text(tmp_path / "outside.txt", "secret")
    (root / "huge.bin").open("wb").truncate(65 * 2**20)
    labelled = open_labelled(root)
    a, b, d = (one.rel_path for one in labelled.images)
    new = PurePosixPath("images/train/n.png"), PurePosixPath("images/train/a__v1.png")
    written = labelled.write(tmp_path / "out", {a: new, b: [], d: []}, {})
    made = {
        str(rel_path): (tmp_path / "out" / rel_path).read_text()
        for rel_path in written
        if "labels" not in rel_path.parts
    }
    assert {key: value for key, value in made.items() if key != "data.yaml"} == {
        "images/train/n.json": "{}",
        "images/train/a__v1.json": "{}",
        "images/train/n.png.meta": "exposure",
        "images/train/a__v1.png.meta": "exposure",
        "meta/train/n.csv": "1,2",
        "meta/train/a__v1.csv": "1,2",
        "meta/val/a.csv": "another split",
        "notes/read me.md": "x",
        "LICENSE.txt": "\n  MIT License \n",
    }
    assert labelled.licences == ("CC BY", "LICENSE.txt: MIT License")
    reported = {str(one.file): one.message for one in labelled.problems}
    assert "a link that leaves it" in reported["passwords.txt"]
    assert "at most 67108864 bytes" in reported["huge.bin"]


def test_overlong_name_skips_that_label(tmp_path: Path) -> None:
    yolo_set(tmp_path / "in")
    labelled = open_labelled(tmp_path / "in")
    a, b, d = (one.rel_path for one in labelled.images)
    long = PurePosixPath("images/train") / ("x" * 260 + ".png")
    results = {a: [long], b: [PurePosixPath("images/train/b.png")], d: [PurePosixPath("images/val/d.png")]}
    labelled.write(tmp_path / "out", results, {})
    assert (tmp_path / "out/labels/train/b.txt").is_file()
    assert any("left out" in one.message and one.file.name.startswith("xxx") for one in labelled.problems)


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\n b")
    try:
        write_image(tmp_path / f"in/images/{name}.jpg")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    (tmp_path / "in/labels").mkdir()
    (tmp_path / f"in/labels/{name}.txt").write_text("0 0.5 0.5 0.1 0.1\n9 0.5 0.5 0 0")
    (tmp_path / "in/classes.txt").write_bytes(b"caf\xe9\n")
    labelled = open_labelled(tmp_path / "in")
    assert labelled.classes == ("caf?",)
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    after = open_labelled(tmp_path / "out")
    assert compare_labels(labelled, after, results) == []
    assert (tmp_path / "out/classes.txt").read_bytes() == b"caf\xe9\n"
    assert all(one.message.encode() and one.where.encode() for one in (*labelled.problems, *after.problems))
