from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from ir_transfer import create_model
from ir_transfer.conversion.heat.class_map import SMALLEST, ClassMapFinder, objects_of, overview_size
from ir_transfer.conversion.heat.finder import count
from ir_transfer.conversion.heat.masks import MappedObject
from ir_transfer.conversion.heat.rules import HeatRule
from ir_transfer.conversion.heat.shift import Heat
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.models.encoder_files import load_encoder
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.models.weight_files import tensors_hash
from ir_transfer.nn.content_encoder import ContentEncoder
from tests.conversion.heat.colour_encoder import PERSON, TWO_WHEELER, VEHICLE, ColourEncoder

CPU = torch.device("cpu")


def image(scale: int = 1, sha256: str = "x") -> DecodedImage:
    """A gray image with a person, a bicycle, and two cars."""
    levels = np.full((96, 128, 3), 128, np.uint8)
    levels[20:60, 16:32] = PERSON
    levels[40:56, 48:72] = TWO_WHEELER
    levels[64:80, 8:40] = VEHICLE
    levels[64:80, 60:100] = VEHICLE
    levels = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    return DecodedImage(np.ascontiguousarray(levels.transpose(2, 0, 1)), 255.0, sha256)


def finder() -> ClassMapFinder:
    return ClassMapFinder(ColourEncoder())


@pytest.mark.parametrize("scale", [1, 9])
def test_objects_are_located_in_small_and_large_images(scale: int) -> None:
    found = finder()(image(scale))
    assert count(found) == {"person": 1, "two-wheeler": 1, "vehicle": 2}
    boxes = [np.array(one.box) / scale for one in found]
    expected = [(16, 20, 32, 60), (48, 40, 72, 56), (8, 64, 40, 80), (60, 64, 100, 80)]
    for box, place in zip(boxes, expected, strict=True):
        np.testing.assert_allclose(box, place, atol=4)


def test_large_images_are_reduced_but_not_below_the_minimum_side() -> None:
    assert overview_size(480, 640) == (480, 640)
    assert overview_size(3000, 4000) == (600, 800)
    assert overview_size(3001, 3999) == (601, 800)
    assert overview_size(20, 10_000_000) == (20, 10_000_000)
    assert overview_size(40, 100_000) == (20, 50_000)


def test_shifts_fill_the_object_and_stop_at_its_edge() -> None:
    heat = Heat(finder=finder(), found_rules=[HeatRule("person", None, 0.2), HeatRule("vehicle", None, -0.1)])
    before = np.full((96, 128), 0.5, np.float32)
    heated = heat(before, image(), Path("a.png"))
    change = heated.intensity - before
    assert change[23:57, 19:29].min() > 0.18
    assert change[67:77, 11:37].max() < -0.08
    assert heated.changed == {
        "person": {"objects": 1, "pixels": pytest.approx(640, abs=40)},
        "vehicle": {"objects": 2, "pixels": pytest.approx(1152, abs=60)},
    }
    change[18:62, 14:34] = change[62:82, 6:42] = change[62:82, 58:102] = 0
    assert np.abs(change).max() < 0.01
    assert heated.found == {"person": 1, "two-wheeler": 1, "vehicle": 2}
    assert heat.settings["heat_found"]["finder"] == "class-map"
    assert heat.settings["heat_found"]["rules"] == ["person=+0.2", "vehicle=-0.1"]


def test_object_is_a_connected_region_around_a_likely_cell() -> None:
    share = np.zeros((20, 30), np.float32)
    share[2:6, 2:4] = 0.9
    share[6:8, 4:6] = 0.3  # possible, and touches it at a corner
    share[2:6, 10:14] = 0.4  # nowhere likely
    share[12, 20 : 20 + SMALLEST - 1] = 0.9  # too small
    share[4, 7] = 0.3  # possible, but apart
    (one,) = objects_of("person", share, (4.0, 4.0))
    assert one.box == (8.0, 8.0, 16.0, 24.0)
    assert one.place == (1, 1)
    full = np.zeros_like(share)
    full[1 : 1 + one.share.shape[0], 1 : 1 + one.share.shape[1]] = one.share
    assert full[4, 3] == np.float32(0.9)
    assert full[7, 5] == np.float32(0.3)
    assert full[4, 7] == 0


def test_objects_in_one_box_stay_separate() -> None:
    share = np.zeros((20, 20), np.float32)
    share[2:18, 2:4] = share[16:18, 2:18] = 0.9
    share[4:10, 8:12] = 0.8
    found = objects_of("vehicle", share, (4.0, 4.0))
    assert sorted(float(one.share.max()) for one in found) == pytest.approx([0.8, 0.9])
    assert sum((one.share > 0).sum() for one in found) == (share > 0).sum()


def test_detections_are_cached_by_image_hash() -> None:
    asked = finder()
    searches: list[int] = []
    asked._encoder.register_forward_hook(lambda *_: searches.append(1))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: asked(image()), range(6)))
    assert len(searches) == 1
    for _ in range(2):
        asked(image(sha256=""))
    assert len(searches) == 3


def test_finder_can_be_pickled() -> None:
    asked = ClassMapFinder(ContentEncoder())
    arrived = pickle.loads(pickle.dumps(asked))
    assert arrived.facts == asked.facts
    again = pickle.loads(pickle.dumps(finder()))(image())
    assert [one.box for one in again] == [one.box for one in finder()(image())]


def test_class_map_is_that_of_the_model_or_the_bundled_one() -> None:
    shipped = ContentEncoder()
    load_encoder(shipped, "content-encoder")
    of_gray = ClassMapFinder.of_model(create_model("gray"), CPU)
    assert of_gray.facts["weights"] == tensors_hash(shipped.state_dict())
    torch.manual_seed(0)
    adain = create_model("adain", weights=None)
    assert isinstance(adain, ThermalModel)
    of_adain = ClassMapFinder.of_model(adain, CPU)
    assert of_adain.facts["weights"] == tensors_hash(adain.encoder.state_dict())
    assert of_adain.facts != of_gray.facts
    found = of_gray(image())
    assert all(isinstance(one, MappedObject) for one in found)
