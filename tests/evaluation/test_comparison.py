"""A comparison from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.io import imread, imsave

from ir_transfer.errors import InputError
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.comparison import compare
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.protocol import Protocol
from ir_transfer.evaluation.results import GROUND_TRUTH
from tests.evaluation.street_scene import write_pairs


def test_reduced_images_under_a_protocol_and_a_sheet(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 2)
    stems: list[str] = []
    protocol = Protocol("short", 4, exemplar="nearest", max_side=100, leave_out=["shift", "spectrum", "patch_mmd"])
    compared = compare(
        root,
        [str(root / "exemplar.png")],
        ["gray"],
        {},
        protocol=protocol,
        boxes=root / "boxes.json",
        max_side=72,
        device="cpu",
        on_scene=stems.append,
    )
    assert stems == ["scene0", "scene1"]
    assert compared.made_with == (
        "protocol short version 4 (changed: max_side 72 instead of 100, exemplar fixed instead of nearest)"
    )
    assert compared.made_with in compared.title
    assert compared.results.outputs["gray"]["scene0"].shape == (56, 72)
    assert compared.results.scores[GROUND_TRUTH]["object_heat"].mean == 1
    assert set(compared.results.scores) == {*BASELINES, GROUND_TRUTH}
    assert not {"shift", "spectrum", "patch_mmd"} & set(compared.columns)
    # RGB image, exemplar, five methods, ground truth; two rows.
    compared.write_sheet(tmp_path / "sheet.png", cell_width=72)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (8 * 76 - 4, 22 + 2 * 60)


def test_black_hot_files_are_measured_white_hot(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    for path in (root / "exemplar.png", root / "ir" / "scene0.png"):
        imsave(path, 255 - imread(path))
    protocol = Protocol("black", 1, polarity="black-hot", leave_out=[k for k in COLUMNS if k != "hot_region_share"])
    compared = compare(root, [str(root / "exemplar.png")], ["gray"], {}, protocol=protocol, device="cpu")
    assert compared.results.scores[GROUND_TRUTH]["hot_region_share"].mean == 1
    assert compared.changes == []


def test_weights_require_a_compared_model_with_weights(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    with pytest.raises(InputError, match="of compared models gray, got adain"):
        compare(root, ["oracle"], ["gray"], {"adain": ["a.safetensors"]})
    with pytest.raises(InputError, match="no weights for model 'gray'"):
        compare(root, ["oracle"], ["gray"], {"gray": ["a.safetensors"]})


def test_people_in_boxes_replace_those_of_soft_labels(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 2)
    label = np.zeros((28, 36, 4), np.uint8)
    label[..., 0], label[..., 1] = 7, 255
    label[20:26, 24:28] = (1, 230, 7, 20)  # taken for a person, as cold as the road
    label[20:24, 2:8] = (3, 230, 7, 20)
    (root / "labels").mkdir()
    for index in range(2):
        Image.fromarray(label).save(root / "labels" / f"scene{index}.png")
    boxes = json.loads((root / "boxes.json").read_text())
    (root / "one.json").write_text(json.dumps({"scene0": boxes["scene0"]}))

    def truth(boxes: Path | None = None) -> dict[str, float]:
        protocol = Protocol("heat", 1, leave_out=[key for key in COLUMNS if not key.endswith("_heat")])
        labels = root / "labels"
        found = compare(
            root, ["oracle"], ["gray"], {}, protocol=protocol, device="cpu", boxes=boxes, soft_labels=labels
        )
        return {key: score.mean for key, score in found.results.scores[GROUND_TRUTH].items()}

    assert truth() == {"object_heat": 0, "people_heat": 0, "vehicle_heat": 0}
    assert truth(root / "one.json") == {"object_heat": pytest.approx(2 / 4), "people_heat": 1, "vehicle_heat": 0}
