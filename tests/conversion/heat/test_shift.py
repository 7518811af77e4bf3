from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.heat.options import parse_heat
from ir_transfer.conversion.heat.rules import parse_rules
from ir_transfer.conversion.heat.shift import HOTTEST, Heat
from ir_transfer.conversion.options import Options
from ir_transfer.dataset.generate import generate_dataset
from ir_transfer.dataset.options import DatasetOptions
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.imaging.image_io import DecodedImage, read_image
from ir_transfer.labels.regions import Region, mask_region
from ir_transfer.metrics.object_heat import object_heat
from ir_transfer.synthetic.write import write_scenes

Floats = NDArray[np.float32]


def block(top: int, left: int, bottom: int, right: int, name: str = "person") -> Region:
    inside = np.zeros((64, 96), bool)
    inside[top:bottom, left:right] = True
    return mask_region(name, f"{top} {left}", inside)


def textured(level: float = 0.5, contrast: float = 0.2) -> Floats:
    y, x = np.mgrid[:64, :96]
    return (level + contrast / 2 * np.where((x // 3 + y // 3) % 2, 1, -1)).astype(np.float32)


def heated(intensity: Floats, regions: Sequence[Region], *texts: str) -> Floats:
    gray = np.full((1, 64, 96), 128, np.uint8)
    heat = Heat(parse_rules(texts), lambda source, image: regions)
    return heat(intensity, DecodedImage(gray, 255.0, ""), Path("a.png")).intensity


@pytest.mark.parametrize("shift", [0.2, -0.3])
def test_shift_moves_the_mean_and_keeps_texture(shift: float) -> None:
    before = textured()
    after = heated(before, [block(10, 20, 50, 60, "Person")], f"person={shift}")
    inside, outside = after[15:45, 25:55], np.ones((64, 96), bool)
    outside[4:56, 14:66] = False
    assert inside.mean() - before[15:45, 25:55].mean() == pytest.approx(shift, abs=0.01)
    assert inside.std() / before[15:45, 25:55].std() == pytest.approx(1 - abs(shift), abs=0.01)
    np.testing.assert_array_equal(after[outside], before[outside])


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_shift_does_not_saturate_objects(level: float) -> None:
    before = textured(level, 0.06)
    after = heated(before, [block(10, 20, 50, 60)], "person=0.3")
    inside = after[15:45, 25:55]
    assert inside.mean() == pytest.approx(max(level, HOTTEST), abs=0.01)
    assert inside.std() > 0.6 * before[15:45, 25:55].std()
    assert inside.max() < 1
    colder = heated(1 - before, [block(10, 20, 50, 60)], "person=-0.3")
    np.testing.assert_allclose(colder, 1 - after, atol=1e-5)


def test_stronger_of_two_overlapping_shifts_applies() -> None:
    plain = textured(0.5, 0)
    both = [block(10, 10, 50, 50), block(20, 30, 40, 80, "car")]
    for regions in (both, both[::-1]):
        after = heated(plain, regions, "person=-0.2", "car=0.1")
        assert after[30, 40] == pytest.approx(0.3, abs=0.01)
        assert after[30, 70] == pytest.approx(0.6, abs=0.01)
    same = heated(plain, [both[0], both[0]], "person=-0.2")
    np.testing.assert_allclose(same, heated(plain, both[:1], "person=-0.2"), atol=1e-6)


def test_shift_of_a_part_applies_only_where_it_is_stronger() -> None:
    after = heated(textured(0.5, 0), [block(4, 20, 60, 50)], "person=0.1", "person.head=0.3")
    assert after[7, 35] == pytest.approx(0.8, abs=0.03)
    assert after[45, 35] == pytest.approx(0.6, abs=0.01)


def test_other_classes_and_images_without_objects_are_unchanged() -> None:
    before = textured()
    np.testing.assert_array_equal(heated(before, [block(10, 20, 50, 60, "bench")], "person=0.5"), before)
    np.testing.assert_array_equal(heated(before, [], "person=0.5"), before)
    np.testing.assert_array_equal(heated(before, [block(10, 20, 50, 60)], "person=0"), before)


def test_shifted_objects_are_reported_by_class() -> None:
    regions = [block(10, 20, 30, 40), block(10, 60, 20, 90), block(40, 10, 60, 30, "Car"), block(2, 2, 6, 6, "bench")]
    heat = Heat(parse_rules(["person=0.2", "person.head=0.3", "car=-0.1"]), lambda source, image: regions)
    gray = DecodedImage(np.full((1, 64, 96), 128, np.uint8), 255.0, "")
    heated = heat(textured(), gray, Path("a.png"))
    assert heat.settings == {}
    assert heated.found is None
    assert {name: told["objects"] for name, told in heated.changed.items()} == {"person": 2, "car": 1}
    assert heated.changed["person"]["pixels"] == pytest.approx(700, abs=40)
    assert heated.changed["car"]["pixels"] == pytest.approx(400, abs=15)


def test_share_of_hot_people_follows_the_rule(tmp_path: Path) -> None:
    write_scenes(tmp_path / "scenes", 8, size=(128, 96), boxes=True)
    root = tmp_path / "set"
    shutil.copytree(tmp_path / "scenes/rgb", root / "images")
    shutil.copy(tmp_path / "scenes/annotations.json", root)
    for name, texts in (("cold", ("person=-0.2",)), ("hot", ("person=+0.3",))):
        asked = Options(
            (str(root),), ("preset:lwir-road-day",), tmp_path / name, threads=1, workers=1, heat=parse_heat(texts)
        )
        summary = generate_dataset(DatasetOptions(asked))
        assert (summary.run.converted, summary.broken) == (8, [])
    truth = share_of_hot_people(tmp_path / "scenes/ir", root)
    cold, hot = (share_of_hot_people(tmp_path / name / "images", root) for name in ("cold", "hot"))
    assert cold < truth - 0.4
    assert hot >= truth - 0.3
    header = json.loads((tmp_path / "hot/manifest.jsonl").read_text().split("\n")[0])
    assert header["look"]["heat"] == ["person=+0.3"]


def share_of_hot_people(images: Path, root: Path) -> float:
    counts = np.zeros(2, int)
    for path in sorted(images.glob("*.png")):
        boxes = read_boxes(root / "annotations.json", path.stem, "person")
        counts += object_heat(torch.from_numpy(read_image(path).gray())[None], boxes)
    assert counts[1] > 10
    return float(counts[0] / counts[1])


def test_invalid_pixels_of_an_object_are_ignored() -> None:
    before = textured(0.5, 0.2)
    before[:, 60:] = 0.0  # what a network makes of a fill means nothing
    alpha = np.full((64, 96), 255, np.uint8)
    alpha[:, 60:] = 0
    image = DecodedImage(np.full((1, 64, 96), 128, np.uint8), 255.0, "", alpha)
    regions = [block(10, 20, 50, 90), block(10, 70, 50, 90)]
    heat = Heat(parse_rules(["person=0.2"]), lambda source, seen: regions)
    made = heat(before, image, Path("a.png"))
    assert made.changed["person"]["objects"] == 1
    np.testing.assert_array_equal(made.intensity[:, 60:], 0)
    inside = slice(15, 45), slice(25, 55)
    assert made.intensity[inside].mean() - before[inside].mean() == pytest.approx(0.2, abs=0.01)
