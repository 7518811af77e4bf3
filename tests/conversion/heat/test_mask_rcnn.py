from __future__ import annotations

import json
import pickle
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torchvision.models.detection.roi_heads import paste_masks_in_image

from ir_transfer.cli import main
from ir_transfer.conversion.heat.finder import count
from ir_transfer.conversion.heat.mask_rcnn import CLASSES, FOUND, SCORE, MaskRcnnFinder, _draw
from ir_transfer.conversion.heat.rules import HeatRule
from ir_transfer.conversion.heat.shift import Heat
from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.imaging.image_io import DecodedImage
from tests.conftest import photograph
from tests.conversion.heat.small_detector import full_detector, small_detector

CPU = torch.device("cpu")


def image(seed: int = 0, height: int = 48, width: int = 64) -> DecodedImage:
    return DecodedImage(photograph(height, width, seed).transpose(2, 0, 1), 255.0, f"{height} {width} {seed}")


def test_objects_are_regions_of_the_image() -> None:
    finder = MaskRcnnFinder(small_detector(), "x")
    found = finder(image())
    assert [(one.name, one.region.instance) for one in found] == [("person", "0"), ("person", "1"), ("person", "2")]
    assert count(found) == {"person": 3}
    for region in (one.region for one in found):
        left, top, right, bottom = region.box
        assert 0 <= left < right <= 64
        assert 0 <= top < bottom <= 48
        inside = region.mask(48, 64)
        assert inside.shape == (48, 64)
        assert inside.sum() == pytest.approx((right - left) * (bottom - top), rel=0.15)


def test_detections_without_a_class_name_are_ignored() -> None:
    model = small_detector()
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[:] = 0
        model.roi_heads.box_predictor.cls_score.bias[CLASSES.index("N/A")] = 8
    assert MaskRcnnFinder(model, "x")(image()) == []
    assert "N/A" not in FOUND


def test_detections_of_low_confidence_are_ignored() -> None:
    model = small_detector()
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[:] = 0
    assert MaskRcnnFinder(model, "x")(image()) == []
    assert MaskRcnnFinder(model, "x").score == SCORE


def test_detections_are_shared_between_threads() -> None:
    model = small_detector()
    searches: list[int] = []
    model.backbone.register_forward_hook(lambda *_: searches.append(1))
    finder = MaskRcnnFinder(model, "x")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: [region.box for region in finder(image())], range(8)))
    assert len(searches) == 1
    assert all(boxes == found[0] for boxes in found)
    again = MaskRcnnFinder(small_detector(), "x")
    assert [region.box for region in again(image())] == found[0]
    finder(image(1))
    assert len(searches) == 2


def test_large_images_are_reduced_and_boxes_scaled_back() -> None:
    model = small_detector()
    sizes: list[torch.Size] = []
    model.transform.register_forward_pre_hook(lambda _, given: sizes.append(given[0][0].shape))
    small = image()
    large = DecodedImage(small.levels.repeat(25, axis=1).repeat(25, axis=2), 255.0, "large")
    finder = MaskRcnnFinder(model, "x")
    boxes, large_boxes = (np.array([region.box for region in finder(one)]) for one in (small, large))
    assert sizes == [(3, 48, 64), (3, 96, 128)]
    assert large_boxes.max() > 800
    assert large_boxes[:, 2].max() < 1600.01
    assert large_boxes[:, 3].max() < 1200.01
    assert len(boxes) == len(large_boxes)


@pytest.mark.parametrize("levels", [np.uint16, np.float32])
def test_accepts_all_bit_depths_and_gray_images(levels: type) -> None:
    white = 1.0 if levels is np.float32 else 65535.0
    gray: NDArray[Any] = (np.random.default_rng(0).random((1, 40, 300)) * white).astype(levels)
    assert count(MaskRcnnFinder(small_detector("dog"), "x")(DecodedImage(gray, white, ""))) == {"dog": 3}


def test_masks_equal_torchvision() -> None:
    y, x = np.mgrid[:28, :28]
    round_shares = np.where((y - 13.5) ** 2 + (x - 13.5) ** 2 < 150, 255, 0).astype(np.uint8)
    box = (10.3, -4.0, 50.6, 40.2)
    mine = _draw((*box,), round_shares, 48, 64)
    shares = torch.from_numpy(round_shares).float()[None, None] / 255
    theirs = paste_masks_in_image(shares, torch.tensor([box]), (48, 64))[0, 0].numpy() >= 0.5
    assert mine.shape == theirs.shape
    assert (mine & theirs).sum() / (mine | theirs).sum() > 0.9


def test_finder_can_be_pickled() -> None:
    finder = MaskRcnnFinder(small_detector(), "hash")
    finder(image())
    arrived = pickle.loads(pickle.dumps(finder))
    assert arrived.weights_hash == "hash"
    assert [region.box for region in arrived(image())] == [region.box for region in finder(image())]


def test_out_of_memory_fails_the_image() -> None:
    model = small_detector()

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    handle = model.backbone.register_forward_hook(full)
    finder = MaskRcnnFinder(model, "x")
    with pytest.raises(MemoryError, match="out of memory"):
        finder(image())
    handle.remove()
    assert len(finder(image())) == 3


def test_detected_objects_are_shifted_and_recorded() -> None:
    finder = MaskRcnnFinder(small_detector("dog"), "hash")
    heat = Heat(finder=finder, found_rules=[HeatRule("dog", None, 0.2), HeatRule("person", None, -0.2)])
    before: NDArray[np.float32] = np.full((48, 64), 0.5, np.float32)
    heated = heat(before, image(), Path("a.png"))
    left, top, right, bottom = finder(image())[0].box
    assert heated.intensity[int(top + bottom) // 2, int(left + right) // 2] == pytest.approx(0.7, abs=0.02)
    assert heated.intensity.min() == 0.5
    assert heated.found == {"dog": 3}
    assert heated.changed["dog"]["objects"] == 3
    facts = {"finder": "maskrcnn", "weights": "hash", "score": SCORE}
    assert heat.settings["heat_found"] == {**facts, "rules": ["dog=+0.2", "person=-0.2"]}


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_damaged_and_unknown_files_are_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(MissingFileError, match="--heat-weights"):
        MaskRcnnFinder.load(path, CPU)
    path.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match="to hold tensors"):
        MaskRcnnFinder.load(path, CPU)


def test_weights_of_another_network_are_rejected(tmp_path: Path) -> None:
    save_file(dict(small_detector().state_dict()), tmp_path / "small.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save(small_detector(), tmp_path / "module.pth")
    with pytest.raises(WeightsError, match="maskrcnn_resnet50_fpn_v2"):
        MaskRcnnFinder.load(tmp_path / "small.safetensors", CPU)
    with pytest.raises(WeightsError, match="save a state_dict"):
        MaskRcnnFinder.load(tmp_path / "list.pth", CPU)
    with pytest.raises(WeightsError, match="to hold tensors"):
        MaskRcnnFinder.load(tmp_path / "module.pth", CPU)


def test_without_a_network_the_error_names_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exemplar: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    # urllib keeps its first opener with the proxies of that moment: this one must not outlive the test.
    monkeypatch.setattr(urllib.request, "_opener", None)
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    command = ["dataset", str(photos), "--style", str(exemplar), "--model", "histogram", "-o", str(tmp_path / "ir")]
    command += ["--exemplar-polarity", "white-hot"]
    assert main([*command, "--heat", "auto:maskrcnn"]) == 2
    told = capsys.readouterr().err
    assert "--heat-weights" in told
    assert "download.pytorch.org" in told
    assert main([*command, "--heat", "auto", "--heat-weights", str(exemplar)]) == 2
    assert "--heat auto:maskrcnn" in capsys.readouterr().err


def test_auto_end_to_end(tmp_path: Path, exemplar: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(photograph(16, 320)).save(folder / "a.png")
    weights = tmp_path / "weights.pth"
    state = {
        key: value.half() if value.is_floating_point() else value for key, value in full_detector().state_dict().items()
    }
    torch.save(state, weights)
    command = ["dataset", str(folder), "--style", str(exemplar), "--model", "histogram", "--bit-depth", "16", "-q"]
    command += ["--exemplar-polarity", "white-hot"]
    assert main([*command, "-o", str(tmp_path / "cold")]) == 0
    hot = tmp_path / "hot"
    asked = ["--heat", "auto:maskrcnn", "--heat-weights", str(weights), "--heat", "person=0.1"]
    assert main([*command, *asked, "--variants", "2", "--include-gray", "-o", str(hot)]) == 0
    lines = [json.loads(line) for line in (hot / "manifest.jsonl").read_text().splitlines()]
    found = lines[0]["look"]["heat_found"]
    assert len(found["weights"]) == 16
    assert "person=+0.1" in found["rules"]
    assert [line["found"] is None for line in lines[1:]] == [False, False, True]
    assert lines[1]["found"].keys() == {"person"}
    assert lines[1]["heated"]["person"]["pixels"] > 0
    assert lines[3]["heated"] is None
    before, after = (np.asarray(Image.open(tmp_path / name / "a.png")) / 65535 for name in ("cold", "hot"))
    assert (after - before).mean() == pytest.approx(0.1, abs=0.03)
