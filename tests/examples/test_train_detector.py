"""The example trains a detector on rendered RGB scenes, from the command line to the saved weights."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torchvision import tv_tensors

from ir_transfer.synthetic.write import write_scenes

pytest.importorskip("pycocotools", reason="the extra detect is not installed")
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_detector.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    specification = importlib.util.spec_from_file_location("train_detector", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 4, size=(96, 64), seed=3, boxes=True)
    return folder


def test_trains_on_infrared_versions_of_rgb_images(example: ModuleType, scenes: Path, tmp_path: Path) -> None:
    given = ["--images", str(scenes / "rgb"), "--annotations", str(scenes / "annotations.json"), "--epochs", "2"]
    small = ["--batch-size", "2", "--workers", "0", "--side", "64", "-o", str(tmp_path / "detector.pt")]
    losses = example.main([*given, *small])
    assert len(losses) == 2
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
    weights = torch.load(tmp_path / "detector.pt", weights_only=True)
    assert "roi_heads.box_predictor.cls_score.weight" in weights
    assert not any("renderer" in name for name in weights)


def test_boxes_are_kept_on_grayscale_images(example: ModuleType, scenes: Path) -> None:
    transform = example.build_transform(["preset:lwir-road-day"], None)
    transform.transforms = [one for one in transform.transforms if "Flip" not in type(one).__name__]
    data, classes = example.load_data(scenes / "rgb", scenes / "annotations.json", transform)
    image, target = data[0]
    assert (image.shape, image.dtype) == ((3, 64, 96), torch.float32)
    assert torch.equal(image[0], image[1])
    assert torch.equal(image[0], image[2])
    assert isinstance(target["boxes"], tv_tensors.BoundingBoxes)
    labelled = data.coco.loadAnns(data.coco.getAnnIds(imgIds=data.ids[0]))
    wanted = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in (one["bbox"] for one in labelled)])
    torch.testing.assert_close(target["boxes"].as_subclass(torch.Tensor).float(), wanted.float())
    assert int(target["labels"].max()) < classes


def test_file_without_boxes_is_rejected(example: ModuleType, scenes: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(SystemExit, match="found none"):
        example.load_data(scenes / "rgb", empty, example.build_transform(["preset:lwir-road-day"], None))
