import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import write_gray
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import SETS, index_mask, text, translate, write_image

ORIGIN = {"model": "adain", "seed": "0"}


@pytest.mark.parametrize("variants", [1, 3])
@pytest.mark.parametrize("kind", SETS)
def test_every_label_covers_the_same_pixels(tmp_path: Path, kind: str, variants: int) -> None:
    SETS[kind](tmp_path / "in")
    text(tmp_path / "in/notes/how it was made.md", "slowly")
    before = open_labelled(tmp_path / "in")
    assert before.kind == kind
    source = {p: p.read_bytes() for p in (tmp_path / "in").rglob("*") if p.is_file()}
    results = translate(before, tmp_path / "out", variants)
    written = before.write(tmp_path / "out", results, ORIGIN)
    after = open_labelled(tmp_path / "out")
    assert compare_labels(before, after, results) == []
    assert len(after.images) == variants * len(before.images) > 0
    assert PurePosixPath("notes/how it was made.md") in written
    assert all((tmp_path / "out" / rel_path).is_file() for rel_path in written)
    assert source == {p: p.read_bytes() for p in (tmp_path / "in").rglob("*") if p.is_file()}
    regions = sum(len(before.regions(one, 48, 64)) for one in before.images)
    assert (regions > 0) == (kind not in {"classification", "images"})
    assert before.classes == after.classes
    # Twice the same gives the same bytes.
    first = {rel_path: (tmp_path / "out" / rel_path).read_bytes() for rel_path in written}
    assert open_labelled(tmp_path / "in").write(tmp_path / "out", results, ORIGIN) == written
    assert first == {rel_path: (tmp_path / "out" / rel_path).read_bytes() for rel_path in written}


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


def broken_mask(path: Path) -> None:
    levels = np.zeros((48, 64), np.uint8)
    levels[4:20, 8:31] = 1
    levels[30:, 40:] = 2
    index_mask(path, levels)


@pytest.mark.parametrize(
    ("kind", "damage", "message"),
    [
        (
            "coco",
            lambda out: edit(out / "annotations/instances_train2017.json", "[4, 5, 20.5", "[5, 5, 20.5"),
            "person",
        ),
        ("coco", lambda out: edit(out / "annotations/instances_train2017.json", "14, 24,", "16, 24,"), "car at"),
        ("coco", lambda out: edit(out / "annotations/instances_train2017.json", "a.png", "b c \\u00e9.png"), "a.png: "),
        ("yolo", lambda out: edit(out / "labels/train/a__v1.txt", "0.25", "0.26"), r"a__v1\.png: expected person at"),
        ("yolo", lambda out: edit(out / "data.yaml", "[person, car]", "[car, person]"), "classes"),
        ("yolo", lambda out: (out / "labels/train/a.txt").unlink(), r"train/a\.png: expected"),
        (
            "yolo",
            lambda out: write_gray(out / "images/val/d.png", np.zeros((47, 64), np.float32)),
            "64 x 48 .* 64 x 47",
        ),
        ("yolo", lambda out: (out / "images/val/d.png").write_bytes(b"no"), r"d\.png"),
        ("voc", lambda out: edit(out / "VOCdevkit/VOC2007/Annotations/000001.xml", "<ymin>6<", "<ymin>7<"), "000001"),
        ("masks", lambda out: broken_mask(out / "masks/train/a__v1.png"), r"a__v1\.png: .*person"),
        ("kitti", lambda out: edit(out / "training/label_2/000001.txt", "Car", "Van"), "Van"),
        ("classification", lambda out: (out / "train/cat").rename(out / "train/cow"), "cow"),
        ("images", lambda out: write_image(out / "c.png"), r"c\.png: .* got another image"),
    ],
)
def test_moved_labels_are_found(tmp_path: Path, kind: str, damage: Callable[[Path], object], message: str) -> None:
    SETS[kind](tmp_path / "in")
    before = open_labelled(tmp_path / "in")
    results = translate(before, tmp_path / "out")
    before.write(tmp_path / "out", results, ORIGIN)
    damage(tmp_path / "out")
    found = "\n".join(compare_labels(before, open_labelled(tmp_path / "out", kind), results))
    assert re.search(message, found), found


def test_failed_images_have_no_labels(tmp_path: Path) -> None:
    for kind, build in SETS.items():
        source, out = tmp_path / kind, tmp_path / f"{kind}_ir"
        build(source)
        first = open_labelled(source).images[0].path
        first.write_bytes(b"no image")
        before = open_labelled(source)
        results = translate(before, out)
        assert results[before.images[0].rel_path] == []
        before.write(out, results, {})
        after = open_labelled(out, kind)
        assert compare_labels(before, after, results) == []
        assert len(after.images) == 2 * (len(before.images) - 1)
        assert [p for p in after.problems if "none" in p.message] == [
            p for p in after.problems if p.file.parts[:1] == ("testing",)
        ]


def test_results_outside_the_folder_are_rejected(tmp_path: Path) -> None:
    SETS["yolo"](tmp_path / "in")
    before = open_labelled(tmp_path / "in")
    rel_path = before.images[0].rel_path
    for bad in ("../a.png", "/a.png", "images/../../a.png"):
        with pytest.raises(InputError, match="inside the output folder"):
            before.write(tmp_path / "out", {rel_path: [PurePosixPath(bad)]}, {})
    with pytest.raises(InputError, match="an output folder other than the data set"):
        before.write(tmp_path / "in", {}, {})
    with pytest.raises(InputError, match="one source for every result"):
        before.write(tmp_path / "out", {p.rel_path: [PurePosixPath("images/a.png")] for p in before.images}, {})
    with pytest.raises(InputError, match="got two different ones"):
        rel_paths = {p.rel_path: [PurePosixPath("images/a").with_suffix(f".{n}")] for n, p in enumerate(before.images)}
        before.write(tmp_path / "out", rel_paths, {})
    assert not (tmp_path / "a.png").exists()


def test_files_written_by_the_caller_are_excluded(tmp_path: Path) -> None:
    SETS["images"](tmp_path / "in")
    text(tmp_path / "in/README.md", "# Scenes")
    before = open_labelled(tmp_path / "in")
    assert before.info == {"readme": "README.md"}
    assert before.write(tmp_path / "out", {}, {}, leave_out=[PurePosixPath("README.md")]) == []
    assert before.write(tmp_path / "out", {}, {}) == [PurePosixPath("README.md")]
    assert (tmp_path / "out/README.md").read_text() == "# Scenes"


def test_polygons_are_compared_by_vertices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing two masks for each of 300,000 objects would take ten minutes."""
    SETS["coco"](tmp_path / "in")
    before = open_labelled(tmp_path / "in")
    results = translate(before, tmp_path / "out", 1)
    before.write(tmp_path / "out", results, ORIGIN)

    def refuse(*_: object) -> None:
        raise AssertionError("a mask was drawn")

    monkeypatch.setattr("ir_transfer.labels.regions.polygon_mask", refuse)
    monkeypatch.setattr("ir_transfer.labels.coco_objects.rle_mask", refuse)
    assert compare_labels(before, open_labelled(tmp_path / "out"), results) == []
    assert before.compared == 3
    labels = tmp_path / "out/annotations/instances_train2017.json"
    edit(labels, "14, 20, 14, 24", "14, 20, 13, 24")
    assert "expected car" in compare_labels(before, open_labelled(tmp_path / "out"), results)[0]
    edit(labels, "14, 20, 13, 24", "14, 20, 14, 24")
    edit(labels, "[485, 20", "[484, 21")
    assert "expected car" in compare_labels(before, open_labelled(tmp_path / "out"), results)[0]
