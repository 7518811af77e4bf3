from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import index_mask, masks_set, text, translate, write_image


@pytest.mark.parametrize(
    ("image", "masks", "copies"),
    [
        ("images/a.jpg", ["masks/a.png"], ["masks/a__v1.png"]),
        ("img/a.jpg", ["labels/a.tif"], ["labels/a__v1.tif"]),
        ("images/train/a.jpg", ["annotations/train/a.png"], ["annotations/train/a__v1.png"]),
        ("train/images/a.jpg", ["train/masks/a_mask.png"], ["train/masks/a__v1_mask.png"]),
        ("train/a.jpg", ["masks/train/a.png"], ["masks/train/a__v1.png"]),
        ("set/a.jpg", ["set/a_mask.bmp"], ["set/a__v1_mask.bmp"]),
        ("a.png", ["a_seg.png"], ["a__v1_seg.png"]),
        ("JPEGImages/a.jpg", ["SegmentationClass/a.png"], ["SegmentationClass/a__v1.png"]),
        (
            "leftImg8bit/val/x/x_1_leftImg8bit.png",
            ["gtFine/val/x/x_1_gtFine_color.png", "gtFine/val/x/x_1_gtFine_labelIds.png"],
            ["gtFine/val/x/x_1_gtFine_color__v1.png", "gtFine/val/x/x_1_gtFine_labelIds__v1.png"],
        ),
    ],
)
def test_common_layouts_are_detected(tmp_path: Path, image: str, masks: list[str], copies: list[str]) -> None:
    write_image(tmp_path / "in" / image)
    levels = np.zeros((48, 64), np.uint8)
    levels[3:9, 4:20] = 5
    for mask in masks:
        index_mask((tmp_path / "in" / mask), levels, "L" if mask.endswith(("tif", "bmp")) else "P")
    labelled = open_labelled(tmp_path / "in")
    assert (labelled.kind, [str(one.rel_path) for one in labelled.images]) == ("masks", [image])
    (region,) = labelled.regions(labelled.images[0], 48, 64)
    assert (region.name, region.box) == ("5", (4, 3, 20, 9))
    assert labelled.classes == ("5",)
    results = translate(labelled, tmp_path / "out")
    labelled.write(tmp_path / "out", results, {})
    for mask, copy in zip(masks, copies, strict=True):
        source = (tmp_path / "in" / mask).read_bytes()
        assert (tmp_path / "out" / copy).read_bytes() == source
        assert (tmp_path / "out" / mask).read_bytes() == source
    assert compare_labels(labelled, open_labelled(tmp_path / "out"), results) == []


def test_class_names_and_colours_are_read(tmp_path: Path) -> None:
    masks_set(tmp_path / "in")
    labelled = open_labelled(tmp_path / "in")
    assert labelled.classes == ("person", "car")
    for one in labelled.images:
        person, car = labelled.regions(one, 48, 64)
        assert (person.name, person.instance, car.name, car.box) == ("person", "1", "car", (40, 30, 64, 48))
        assert person.mask(48, 64).sum() == 16 * 22
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[5, 6] = (255, 0, 16)
    Image.fromarray(colours).save(tmp_path / "in/masks/train/a.png")
    (tmp_path / "in/classes.txt").unlink()
    coloured = open_labelled(tmp_path / "in")
    assert coloured.regions(coloured.images[0], 48, 64)[0].name == "#ff0010"
    assert coloured.classes == ("1", "2", "#ff0010")


def test_invalid_masks_have_no_regions(tmp_path: Path) -> None:
    masks_set(tmp_path / "in")
    (tmp_path / "in/masks/train/a.png").write_bytes(b"\x89PNG no")
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "in/masks/train/b.png")
    index_mask(tmp_path / "in/masks/train/c.png", np.ones((40, 64), np.uint8))
    write_image(tmp_path / "in/images/train/d.jpg")
    index_mask(tmp_path / "in/masks/train/gone.png", np.ones((48, 64), np.uint8))
    labelled = open_labelled(tmp_path / "in")
    assert [labelled.regions(one, 48, 64) for one in labelled.images] == [[], [], [], []]
    reported = {str(one.file): one.message for one in labelled.problems}
    assert "damaged" in reported["masks/train/a.png"]
    assert "at most 256 labels" in reported["masks/train/b.png"]
    assert "expected the size of its image, 64 x 48, got 64 x 40" in reported["masks/train/c.png"]
    assert "expected a mask" in reported["images/train/d.jpg"]
    assert "got 1 that no label file lists" in reported["masks/train"]
    assert str(tmp_path) not in "".join(reported.values())
    written = labelled.write(tmp_path / "out", translate(labelled, tmp_path / "out", 1), {})
    assert (tmp_path / "out/masks/train/a.png").read_bytes() == b"\x89PNG no"
    assert PurePosixPath("masks/train/gone.png") not in written
    with pytest.raises(InputError, match="masks of the same stem"):
        text(tmp_path / "empty/a.txt", "")
        open_labelled(tmp_path / "empty", "masks")
