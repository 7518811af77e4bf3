from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torchvision.datasets import CocoDetection

from ir_transfer.conversion.camera import CameraOptions
from ir_transfer.conversion.heat.options import parse_heat
from ir_transfer.conversion.options import Options
from ir_transfer.dataset.generate import generate_dataset
from ir_transfer.dataset.options import DatasetOptions, DatasetSummary
from ir_transfer.dataset.verify import verify_dataset
from ir_transfer.errors import InputError
from tests.conftest import photograph, thermal


@pytest.fixture
def exemplars(tmp_path: Path) -> tuple[str, ...]:
    paths = [tmp_path / f"exemplar{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        Image.fromarray(thermal(64, 64, seed)).save(path)
    return tuple(map(str, paths))


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Four RGB images in two splits with boxes, an image without labels, and a damaged one."""
    root = tmp_path / "coco"
    images, annotations = [], []
    for number, split in enumerate(("train", "train", "val", "val")):
        name = f"{number:03}.jpg"
        (root / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(48, 64, number)).save(root / split / name)
        images.append((split, {"id": number + 1, "file_name": name, "width": 64, "height": 48}))
        box = [10 + number, 8, 20, 30]
        annotations.append((split, {"id": number + 1, "image_id": number + 1, "category_id": 2, "bbox": box}))
    (root / "annotations").mkdir()
    for split in ("train", "val"):
        content = {
            "info": {"description": "tiny"},
            "licenses": [{"id": 1, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}],
            "images": [image for of, image in images if of == split],
            "annotations": [label for of, label in annotations if of == split],
            "categories": [{"id": 2, "name": "person"}],
        }
        (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    return root


def make(root: Path, styles: tuple[str, ...], out: Path, **changes: Any) -> DatasetSummary:
    own = {
        name: changes.pop(name)
        for name in ("variants", "include_gray", "shard", "assign", "flip_share", "strengths", "rules")
        if name in changes
    }
    conversion = Options((str(root),), styles, out, model="histogram", threads=1, workers=2, **changes)
    return generate_dataset(DatasetOptions(conversion, **own))


def tree(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_coco_set_with_several_styles_loads_unchanged(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "ir"
    summary = make(coco, exemplars, out, variants=2, include_gray=True)
    assert (summary.kind, summary.images, summary.run.converted, summary.broken) == ("coco", 4, 12, [])
    loaded = CocoDetection(str(out / "train"), str(out / "annotations/instances_train.json"))
    assert len(loaded) == 6
    seen = {}
    for index in range(len(loaded)):
        image, labels = loaded[index]
        assert image.size == (64, 48)
        name = loaded.coco.loadImgs(loaded.ids[index])[0]["file_name"]
        seen[name] = [label["bbox"] for label in labels]
    assert sorted(seen) == [f"00{n}{end}.png" for n in (0, 1) for end in ("", "__gray", "__v1")]
    assert all(boxes == [[10 + int(name[2]), 8, 20, 30]] for name, boxes in seen.items())
    content = json.loads((out / "annotations/instances_train.json").read_text())
    ids = {one["file_name"]: one["id"] for one in content["images"]}
    assert (ids["000.png"], ids["001.png"]) == (1, 2)
    assert len(set(ids.values())) == 6
    assert content["info"]["description"].startswith("tiny")
    assert "ir_transfer" in content["info"]
    assert content["licenses"][0]["name"] == "CC BY 4.0"
    gray = np.asarray(Image.open(out / "train/000__gray.png"))
    luma = np.asarray(Image.open(coco / "train/000.jpg").convert("L"))
    assert np.abs(gray.astype(int) - luma).max() <= 1


def test_card_and_tables_record_the_settings_of_every_image(
    coco: Path, exemplars: tuple[str, ...], tmp_path: Path
) -> None:
    (coco / "train/000.jpg").write_bytes(b"no image")
    summary = make(coco, exemplars, tmp_path / "ir", strengths=(0.5, 0.5), command="ir-transfer dataset coco")
    assert (summary.run.converted, summary.run.failed) == (3, 1)
    card = (tmp_path / "ir/README.md").read_text()
    assert "| images | 3, made from 3 RGB images |" in card
    assert "| split train | 1 |" in card
    assert "CC BY 4.0" in card
    assert "ir-transfer dataset coco" in card
    assert "000.jpg: expected" in card
    assert Image.open(tmp_path / "ir/_card/contact_sheet.png").width > 1000
    table = pq.read_table(tmp_path / "ir/_card/manifest.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "ir/manifest.jsonl").read_text().splitlines()]
    assert [row["output"] for row in table] == [line["output"] for line in lines[1:]]
    assert [row["style"] for row in table[1:]] == [line["variant"]["style"] for line in lines[2:]]
    assert {row["strength"] for row in table} == {0.5}
    content = json.loads((tmp_path / "ir/annotations/instances_train.json").read_text())
    assert [image["file_name"] for image in content["images"]] == ["001.png"]
    assert [label["image_id"] for label in content["annotations"]] == [2]


def test_equal_seeds_give_identical_sets_also_in_shards(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    asked: dict[str, Any] = {"variants": 2, "flip_share": 0.5, "strengths": (0.4, 1.0)}
    asked["camera"] = CameraOptions("boson-640")
    make(coco, exemplars, tmp_path / "one/ir", **asked)
    make(coco, exemplars, tmp_path / "two/ir", **asked)
    (tmp_path / "two/ir/train/001__v1.png").unlink()
    (tmp_path / "two/ir/val/002.png").write_bytes(b"damaged")
    (tmp_path / "two/ir/annotations/instances_val.json").unlink()
    summary = make(coco, exemplars, tmp_path / "two/ir", resume=True, **asked)
    assert (summary.run.converted, summary.run.skipped) == (2, 6)
    assert tree(tmp_path / "one/ir") == tree(tmp_path / "two/ir")
    make(coco, exemplars, tmp_path / "three/ir", seed=1, **asked)
    assert tree(tmp_path / "one/ir")["train/001.png"] != tree(tmp_path / "three/ir")["train/001.png"]


def test_overwrite_removes_all_previous_results(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "ir"
    make(coco, exemplars, out, variants=3)
    (out / "train/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="--resume to continue, --overwrite"):
        make(coco, exemplars, out)
    make(coco, exemplars, out, overwrite=True)
    assert sorted(p.name for p in (out / "train").iterdir()) == ["000.png", "001.png", "notes.txt"]
    assert verify_dataset(out) == []


def test_verify_reports_every_kind_of_damage(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "ir"
    make(coco, exemplars, out)
    assert verify_dataset(out) == []
    (out / "train/000.png").unlink()
    Image.fromarray(thermal(48, 64)).save(out / "train/001.png")
    content = json.loads((out / "annotations/instances_val.json").read_text())
    content["annotations"][0]["bbox"][0] += 1
    (out / "annotations/instances_val.json").write_text(json.dumps(content))
    found = "\n".join(verify_dataset(out))
    assert "train/000.png: expected the image, found none" in found
    assert "train/001.png: expected the bytes that were written" in found
    assert "instances_val.json: expected the bytes that were written" in found
    assert "val/002.png: expected person at (12.0, 8.0, 32.0, 38.0) on the same pixels" in found
    with pytest.raises(InputError, match="generated by"):
        verify_dataset(coco)


def test_heat_stays_inside_the_box_in_both_polarities(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    heat = parse_heat(["person=0.2"])
    make(coco, exemplars[:1], tmp_path / "plain")
    make(coco, exemplars[:1], tmp_path / "hot", heat=heat)
    make(coco, exemplars[:1], tmp_path / "black", heat=heat, flip_share=1.0)
    plain, hot, black = (
        np.asarray(Image.open(tmp_path / name / "train/000.png")).astype(float) / 255
        for name in ("plain", "hot", "black")
    )
    change = hot - plain
    assert 0.1 < change[15:30, 17:23].mean() <= 0.21
    regions_outside = np.ones_like(change, bool)
    regions_outside[4:42, 6:34] = False
    assert np.abs(change[regions_outside]).max() < 0.005
    assert np.abs(black - (1 - hot)).max() < 0.005


def test_sensor_noise_differs_between_images(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("000.jpg", "001.jpg"):
        Image.fromarray(photograph(48, 64, 0)).save(coco / "train" / name, quality=95)
    out = tmp_path / "ir"
    make(coco, exemplars[:1], out, camera=CameraOptions("boson-640"), bit_depth=16)
    first, second = (np.asarray(Image.open(out / f"train/00{n}.png")).astype(float) for n in (0, 1))
    assert 10 < np.abs(first - second).mean() < 3000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"camera": CameraOptions("boson-641")}, "boson-640"),
        ({"camera": CameraOptions(agc="camera")}, "--sensor with --agc camera"),
        ({"camera": CameraOptions(agc="linear", window=(0.5, 0.2))}, "LOW..HIGH"),
        ({"camera": CameraOptions(agc="clahe", window=(0.2, 0.5))}, "--agc linear with --agc-window"),
    ],
)
def test_invalid_sensor_is_reported_before_the_run(
    coco: Path, exemplars: tuple[str, ...], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((InputError, LookupError), match=message):
        make(coco, exemplars, tmp_path / "ir", **changes)
    assert not (tmp_path / "ir").exists()


def test_output_inside_the_source_is_rejected(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    before = tree(coco)
    for out in (coco, coco / "ir", tmp_path):
        with pytest.raises(InputError, match="expected -o outside"):
            make(coco, exemplars, out)
    make(coco, exemplars, tmp_path / "ir")
    assert tree(coco) == before


def test_detector_trains_on_the_unmodified_set(coco: Path, exemplars: tuple[str, ...], tmp_path: Path) -> None:
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign
    from torchvision.transforms.functional import to_tensor

    make(coco, exemplars, tmp_path / "ir", variants=2)
    loaded = CocoDetection(str(tmp_path / "ir/train"), str(tmp_path / "ir/annotations/instances_train.json"))
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, 4, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, 2, 1), torch.nn.ReLU()
    )
    backbone.out_channels = 16  # type: ignore[assignment]
    detector = FasterRCNN(
        backbone,
        3,
        min_size=48,
        max_size=64,
        rpn_anchor_generator=AnchorGenerator(((16, 32),), ((0.7, 1.5),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2),
    )
    optimizer = torch.optim.SGD(detector.parameters(), 0.01, momentum=0.9)
    images, targets = [], []
    for image, labels in loaded:
        boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in (label["bbox"] for label in labels)])
        images.append(to_tensor(image.convert("RGB")))
        targets.append({"boxes": boxes.float(), "labels": torch.ones(len(boxes), dtype=torch.int64)})
    losses = []
    for _ in range(12):
        loss = sum(detector(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
