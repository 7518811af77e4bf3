"""Objects from masks, on drawn shapes and on rendered scenes with warm people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.errors import DecodeError, InputError, IrTransferError, MissingFileError
from ir_transfer.evaluation.comparison import compare
from ir_transfer.evaluation.masks import Masks, masks_of_card, open_masks, read_regions
from ir_transfer.evaluation.protocol import Protocol
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.object_heat import Region, object_heat
from ir_transfer.synthetic.write import write_scenes


def scene(height: int = 60, width: int = 80, scale: float = 1.0) -> Scene:
    return Scene("a", torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width), scale)


def draw(folder: Path) -> Masks:
    """Write a mask with two people, a speck and a car at the edge, and return the masks."""
    levels = np.zeros((60, 80), np.uint8)
    levels[10:30, 20:30] = 1
    levels[10:30, 36:46] = 1
    levels[50:52, 5:8] = 1
    levels[40:60, 60:80] = 2
    levels[5:8, 60:70] = 7
    folder.mkdir()
    Image.fromarray(levels).save(folder / "a.png")
    (folder / "labels.yaml").write_text("1: Person\n2: car\n")
    return open_masks(folder)


def test_objects_are_connected_regions(tmp_path: Path) -> None:
    masks = draw(tmp_path / "masks")
    regions = read_regions(masks, scene())
    assert [(region.label, len(region.inside)) for region in regions] == [
        ("Person", 200),
        ("Person", 200),
        ("car", 400),
    ]
    assert [region.label for region in read_regions(masks, scene(), "CAR")] == ["car"]
    assert read_regions(masks, replace(scene(), stem="other")) == []
    halved = read_regions(masks, scene(30, 40, 0.5))
    assert [len(region.inside) for region in halved] == [50, 50, 100]


def test_ring_is_half_as_wide_as_the_object_and_excludes_its_label(tmp_path: Path) -> None:
    person = read_regions(draw(tmp_path / "masks"), scene())[0]
    image = np.zeros((60, 80))
    image[tuple(person.ring.T)] = 1
    assert image[10:30, 15:20].all()  # five pixels to the left
    assert not image[:, :15].any()
    assert image[10:30, 30:35].all()
    assert not image[10:30, 36:46].any()  # the other person
    heat = torch.full((1, 1, 60, 80), 0.5, dtype=torch.float64)
    heat[..., 10:30, 20:30] = 0.54
    heat[..., 10:30, 36:46] = 1.0  # a warmer neighbour makes nobody cold
    assert object_heat(heat, [person]) == (1, 1)
    assert object_heat(heat, [person.moved(4)]) == (0, 1)
    assert object_heat(heat, [person.moved(300), Region(person.inside, person.ring[:0])]) == (0, 0)


def test_rendered_people_are_warm_in_infrared_but_not_in_gray(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write_scenes(root, 3, size=(160, 128), masks=True, night=False)
    protocol = Protocol("heat", 1, leave_out=["shift", "hot_region_share", "polarity", "ms_ssim", "nmi"])
    compared = compare(root, ["oracle"], ["gray"], {}, protocol=protocol, masks=root / "masks", device="cpu")
    truth, gray = compared.results.scores["truth"], compared.results.scores["gray"]
    assert truth["people_heat"].mean > 0.9
    assert gray["people_heat"].mean < truth["people_heat"].mean - 0.3
    assert "vehicle_heat" in truth
    assert compared.settings["masks"] == str(root / "masks")


def test_card_can_define_masks(tmp_path: Path) -> None:
    card = load_card("msrs")
    assert masks_of_card(tmp_path, card) is None
    path = tmp_path / "test" / "Segmentation_labels" / "00004N.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    found = masks_of_card(tmp_path, card)
    assert found is not None
    assert found.files == {"test_00004N": path}
    assert found.names[2] == "person"
    assert masks_of_card(tmp_path, load_card("llvip")) is None


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("labels.yaml", b"person: 1", InputError, "'1: person'"),
        ("labels.yaml", None, MissingFileError, r"labels\.yaml"),
        ("a.png", b"damage", DecodeError, r"a\.png: expected a mask"),
        ("a.png", None, InputError, r"scene_1\.png"),
    ],
)
def test_damaged_masks_are_named(
    tmp_path: Path, name: str, content: bytes | None, error: type[IrTransferError], message: str
) -> None:
    draw(tmp_path / "masks")
    if content is None:
        (tmp_path / "masks" / name).unlink()
    else:
        (tmp_path / "masks" / name).write_bytes(content)
    with pytest.raises(error, match=message):
        read_regions(open_masks(tmp_path / "masks"), scene())


def test_masks_of_other_images_are_rejected(tmp_path: Path) -> None:
    masks = draw(tmp_path / "masks")
    with pytest.raises(InputError, match=r"a\.png to have the size .* got \(80, 60\)"):
        read_regions(masks, scene(60, 81))
    Image.new("RGB", (80, 60)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(InputError, match="one channel of labels"):
        read_regions(masks, scene())
    with pytest.raises(MissingFileError, match="--masks"):
        open_masks(tmp_path / "none")
