from pathlib import Path, PurePosixPath

import pytest

from ir_transfer.errors import InputError
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import kitti_set, text, translate, write_image


def test_labels_and_calibration_are_copied(tmp_path: Path) -> None:
    kitti_set(tmp_path / "in")
    (tmp_path / "in/training/velodyne").mkdir()
    (tmp_path / "in/training/velodyne/000001.bin").write_bytes(bytes(range(256)))
    text(tmp_path / "in/ImageSets/train.txt", "000000\n")
    text(tmp_path / "in/ImageSets/test.txt", "000000\n")
    write_image(tmp_path / "in/training/image_3/000000.png")
    labelled = open_labelled(tmp_path / "in")
    assert [(str(one.rel_path), one.split) for one in labelled.images] == [
        ("testing/image_2/000000.png", "test"),
        ("training/image_2/000000.png", "train"),
        ("training/image_2/000001.png", "train"),
    ]
    (car,) = labelled.regions(labelled.images[1], 48, 64)
    assert (car.name, car.box) == ("Car", (10.5, 20.25, 40, 44.75))
    assert labelled.classes == ("Car",)
    assert [str(one.file) for one in labelled.problems] == ["training/image_3"]
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    for folder, suffix in (("label_2", ".txt"), ("calib", ".txt"), ("velodyne", ".bin")):
        old = (tmp_path / "in/training" / folder / f"000001{suffix}").read_bytes()
        for end in ("", "__v1"):
            assert (tmp_path / "out/training" / folder / f"000001{end}{suffix}").read_bytes() == old
    assert (tmp_path / "out/ImageSets/train.txt").read_text() == "000000\n000000__v1\n"
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Car 0 0 0 5 5 5 9 1 1 1 1 1 1 1", "a box with an area"),
        ("Car 0 0 0 nan 5 5 9 1 1 1 1 1 1 1", "finite"),
        ("Car 0 0 0 x 5 5 9 1 1 1 1 1 1 1", "could not convert"),
        ("Car 0 0", "at least 8 fields"),
    ],
)
def test_invalid_line_is_skipped(tmp_path: Path, line: str, message: str) -> None:
    kitti_set(tmp_path / "in")
    text(tmp_path / "in/training/label_2/000000.txt", f"{line}\nVan 0 0 0 1 2 3 4\n")
    text(tmp_path / "in/training/label_2/000009.txt", line)
    (tmp_path / "in/training/label_2/000001.txt").unlink()
    labelled = open_labelled(tmp_path / "in")
    (van,) = labelled.regions(labelled.images[1], 48, 64)
    assert van.box == (1, 2, 3, 4)
    reported = {f"{one.file.name} {one.where}": one.message for one in labelled.problems}
    assert "expected the image" in reported["000009.txt "]
    assert "expected labels under label_2" in reported["000001.png "]
    assert message in reported["000000.txt 1"]
    written = labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    assert PurePosixPath("training/label_2/000009.txt") not in written
    with pytest.raises(InputError, match="images under image_2"):
        open_labelled(tmp_path / "in/training/label_2", "kitti")
