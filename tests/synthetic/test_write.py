import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.masks import open_masks
from ir_transfer.synthetic.write import write_scenes


def test_writes_pairs_and_boxes(tmp_path: Path) -> None:
    ticks: list[int] = []
    made = write_scenes(
        tmp_path / "a", 3, frames=2, size=(160, 120), boxes=True, masks=True, done=lambda: ticks.append(1)
    )
    pairs = list_pairs(tmp_path / "a")
    assert made == len(pairs) == len(ticks) == 6
    with Image.open(pairs[0].ir) as decoded:
        assert (decoded.mode, decoded.size) == ("L", (160, 120))
    coco = json.loads((tmp_path / "a" / "annotations.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [pair.rgb.name for pair in pairs]
    assert {c["name"] for c in coco["categories"]} == {"person", "vehicle"}
    first = [a for a in coco["annotations"] if a["image_id"] == 1]
    assert len(first) == len(read_boxes(tmp_path / "a" / "boxes.json", pairs[0].stem))
    for annotation in coco["annotations"]:
        left, top, width, height = annotation["bbox"]
        assert left + width <= 160
        assert top + height <= 120
        assert annotation["area"] == width * height
    masks = open_masks(tmp_path / "a" / "masks")
    assert set(masks.files) == {pair.stem for pair in pairs}
    assert masks.names == {1: "person", 2: "vehicle"}
    for name, boxes in json.loads((tmp_path / "a" / "boxes.json").read_text()).items():
        levels = np.asarray(Image.open(masks.files[name]))
        for box in boxes:
            left, top, right, bottom = box["box"]
            inside = levels[top:bottom, left:right]
            assert (inside == {"person": 1, "vehicle": 2}[box["label"]]).mean() > 0.1


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_scenes(tmp_path / name, 1, size=(64, 48), seed=seed)
    a, b, c = ((tmp_path / name / "rgb" / "s00000_f00.png").read_bytes() for name in "abc")
    assert a == b != c


def test_non_empty_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(InputError, match="new or empty"):
        write_scenes(tmp_path, 1)
