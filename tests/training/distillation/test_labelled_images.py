from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.distillation.labelled_images import LabelledImage, draw_crop, held_out, read_labelled
from tests.training.distillation.labelled import write_labelled
from tests.training.test_views import interior
from tests.training.views_of import painted


def labelled(name: str = "a.png", seed: int = 0) -> LabelledImage:
    photograph, _, labels = painted(seed=seed)
    return LabelledImage(Path(name), photograph, labels)


def test_labelled_images_are_read_in_order_and_resized(tmp_path: Path) -> None:
    write_labelled(tmp_path, ["b", "a"])
    Image.new("RGB", (90, 60)).save(tmp_path / "photos" / "c.jpg")
    found = read_labelled(tmp_path / "photos", tmp_path / "labels", longer_side=64)
    assert [photo.path.name for photo in found] == ["a.png", "b.png"]
    assert all(photo.pixels.shape == (48, 64, 3) for photo in found)
    assert np.array_equal(found[1].labels, painted(seed=0)[2])


def hidden(tmp_path: Path, longer_side: int = 480) -> LabelledImage:
    """Return a labelled image of which the columns from 66 of 128 on are transparent."""
    write_labelled(tmp_path, ["a"])
    path = tmp_path / "photos/a.png"
    alpha = np.broadcast_to(np.where(np.arange(128) < 66, 255, 0).astype(np.uint8), (96, 128))
    Image.fromarray(np.dstack([np.asarray(Image.open(path)), alpha])).save(path)
    (found,) = read_labelled(tmp_path / "photos", tmp_path / "labels", longer_side)
    return found


@pytest.mark.parametrize("longer_side", [64, 480])
def test_position_with_transparent_pixels_is_invalid(tmp_path: Path, longer_side: int) -> None:
    found = hidden(tmp_path, longer_side)
    assert found.valid is not None
    np.testing.assert_array_equal(found.valid, np.tile(np.arange(32) < 16, (24, 1)))


def test_crops_have_no_labels_at_transparent_pixels(tmp_path: Path) -> None:
    found = hidden(tmp_path)
    shares = []
    for seed in range(12):
        image, labels = draw_crop(found, 64, np.random.default_rng(seed))
        other, plain = draw_crop(replace(found, valid=None), 64, np.random.default_rng(seed))
        if not torch.equal(image, other):
            continue  # centred on an object that is hidden
        counts = labels.sum(0) > 0
        torch.testing.assert_close(labels[:, counts], plain[:, counts])
        shares.append(float(counts.float().mean()))
    assert min(shares) < 0.5 < max(shares)


def test_crops_are_not_centred_on_invalid_objects() -> None:
    photograph, _, labels = painted(480, 640)
    labels[..., 0], labels[..., 1] = 7, 255
    labels[20:24, 100:104, 0] = 1
    photo = replace(
        labelled(), pixels=photograph, labels=labels, valid=np.broadcast_to(np.arange(160) < 99, (120, 160))
    )
    rest = replace(photo, labels=np.where(labels[..., :1] == 1, 7, labels).astype(np.uint8))
    for seed in range(20):
        image, other = (draw_crop(one, 64, np.random.default_rng(seed))[0] for one in (photo, rest))
        assert torch.equal(image, other)


def test_folders_without_labels_are_rejected(tmp_path: Path) -> None:
    write_labelled(tmp_path, ["a"])
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"label files in .*other"):
        read_labelled(tmp_path / "photos", tmp_path / "other")
    with pytest.raises(MissingFileError, match="none"):
        read_labelled(tmp_path / "none", tmp_path / "labels")


def test_labels_stay_with_their_pixels() -> None:
    checked, mirrored, photo = 0, 0, labelled()
    for seed in range(24):
        image, labels = draw_crop(photo, 64, np.random.default_rng(seed))
        assert image.shape == (3, 64, 64)
        assert labels.shape == (11, 16, 16)
        classes = labels.argmax(0)
        middle = interior(classes)
        red = 255 * image[0].unfold(0, 4, 4).unfold(1, 4, 4).mean((2, 3))
        assert (red / 20 - classes).abs()[middle].max() < 0.5
        checked += int(middle.sum())
        mirrored += bool(np.random.default_rng(seed).random() < 0.5)
    assert checked > 800


def test_half_of_the_crops_show_an_object() -> None:
    photograph, _, labels = painted(480, 640)
    labels[..., 0], labels[..., 1] = 7, 255
    labels[20:24, 100:104, 0] = 1
    photo = replace(labelled(), pixels=photograph, labels=labels)
    shown = [draw_crop(photo, 64, np.random.default_rng(s))[1][1].max() > 0.5 for s in range(200)]
    assert 0.2 < np.mean(shown) < 0.45  # people are half of the objects that are asked for, and chance adds a little


def test_held_out_images_depend_only_on_their_names() -> None:
    photos = [labelled(f"photo_{index:04d}.png") for index in range(400)]
    held = held_out(photos, 0.1, ())
    assert np.mean(held) == pytest.approx(0.1, abs=0.04)
    assert held_out(photos[::-1], 0.1, ()) == held[::-1]
    assert held_out(photos[:50], 0.1, ()) == held[:50]
    assert not any(kept and not more for kept, more in zip(held, held_out(photos, 0.3, ()), strict=True))
    assert held_out(photos, 0.0, ["photo_00"]) == [photo.path.name < "photo_01" for photo in photos]
