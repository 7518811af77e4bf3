"""Invalid pixels of pairs are known in training and validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.training.batches import BatchSource, ImageSource
from ir_transfer.training.images import ImageCache, find_images
from ir_transfer.training.recipe import DataSection, Source, ValidationSet
from ir_transfer.training.validation import Validation
from ir_transfer.training.validation_images import load_validations
from ir_transfer.training.view_source import ViewSource
from tests.training.test_validation import local

HEIGHT, WIDTH = 96, 128


def write(root: Path, valid: int = 64) -> Path:
    """Write pairs whose RGB image is white where the ground truth is valid (left of a column) and black elsewhere."""
    for side in ("rgb", "ir"):
        (root / side).mkdir(parents=True)
    random = np.random.default_rng(0)
    seen = np.broadcast_to(np.arange(WIDTH) < valid, (HEIGHT, WIDTH))
    for index in range(4):
        rgb = np.repeat(np.where(seen, 250 - index, 5).astype(np.uint8)[..., None], 3, axis=2)
        infrared = np.where(seen, random.integers(100, 200, seen.shape), 255).astype(np.uint8)
        alpha = np.where(seen, 255, 0).astype(np.uint8)
        Image.fromarray(rgb).save(root / "rgb" / f"scene_{index}.png")
        Image.fromarray(np.dstack([infrared, alpha]), "LA").save(root / "ir" / f"scene_{index}.png")
    return root


def hide(folder: Path) -> None:
    """Make the right half of each RGB image transparent."""
    alpha = np.broadcast_to(np.where(np.arange(WIDTH) < 64, 255, 0).astype(np.uint8), (HEIGHT, WIDTH))
    for path in folder.iterdir():
        Image.fromarray(np.dstack([np.asarray(Image.open(path)), alpha])).save(path)


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    write(tmp_path / "pairs")
    return DataSection("lwir", [Source("pairs")], "pairs", validation_every=4, crop=64, view_size=[64, 96])


@pytest.mark.parametrize("kind", [BatchSource, ViewSource])
def test_batch_has_valid_pixels(section: DataSection, tmp_path: Path, kind: type[ImageSource]) -> None:
    batch = kind(section, tmp_path, 0).draw(0, 8)
    assert batch.valid is not None
    assert batch.valid.shape == batch.truth.shape
    assert batch.valid.dtype == torch.bool
    assert any(valid.any() and not valid.all() for valid in batch.valid)
    bright = batch.content.mean(1, keepdim=True)
    # Light and camera vary, but the border is where the RGB image has it.
    for valid, shown in zip(batch.valid, bright, strict=True):
        if valid.any() and not valid.all():
            assert shown[valid].mean() > shown[~valid].mean() + 0.2
            assert ((shown > shown.mean()) == valid).float().mean() > 0.9
    moved = batch.to(torch.device("cpu"))
    assert moved.valid is not None
    assert torch.equal(moved.valid, batch.valid)


def test_canonical_tone_of_a_view_uses_valid_pixels(section: DataSection, tmp_path: Path) -> None:
    batch = ViewSource(section, tmp_path, 0).draw(0, 8)
    assert batch.valid is not None
    for valid, truth in zip(batch.valid, batch.truth, strict=True):
        if valid.sum() > 100:
            assert truth[valid].mean().item() == pytest.approx(0.5, abs=0.01)
            assert truth[valid].std(correction=0).item() == pytest.approx(0.2, abs=0.01)
            assert (truth[~valid] == 0.5).all()


def test_exemplar_is_extended_over_invalid_pixels(section: DataSection, tmp_path: Path) -> None:
    images = find_images(section, tmp_path, ImageCache(1))[0]
    infrared, valid = images.infrared_image(0), images.valid(0)
    assert valid is not None
    np.testing.assert_array_equal(valid, np.where(np.arange(WIDTH) < 64, 255, 0) * np.ones((HEIGHT, 1)))
    np.testing.assert_array_equal(infrared[:, 64:], np.repeat(infrared[:, 63:64], 64, axis=1))
    unpaired = DataSection("lwir", [Source("pairs", pairing="unpaired")], "pairs", validation_every=4)
    alone = find_images(unpaired, tmp_path, ImageCache(1))[0]
    assert alone.valid(0) is None
    assert alone.infrared_image(0).shape == (HEIGHT, 64)


@pytest.mark.parametrize("kind", [BatchSource, ViewSource])
def test_unpaired_rgb_image_is_masked(tmp_path: Path, kind: type[ImageSource]) -> None:
    write(tmp_path / "pairs")
    hide(tmp_path / "pairs/rgb")
    source = Source("pairs", pairing="unpaired", max_width=64)
    section = DataSection("lwir", [source], "pairs", validation_every=4, crop=32, view_size=[32, 48])
    images = find_images(section, tmp_path, ImageCache(1))[0]
    valid = images.valid(0)
    assert valid is not None
    assert images.rgb_image(0).shape == (48, 64, 3)
    # The border shrinks with the image, less the reach of the resampling.
    np.testing.assert_array_equal(valid, np.where(np.arange(64) < 32 - 3, 255, 0) * np.ones((48, 1)))
    batch = kind(section, tmp_path, 0).draw(0, 8)
    assert batch.valid is not None
    assert batch.valid.shape == batch.truth.shape
    assert any(mask.any() and not mask.all() for mask in batch.valid)


def test_fully_valid_pairs_have_no_mask(tmp_path: Path) -> None:
    write(tmp_path / "pairs", valid=WIDTH)
    section = DataSection("lwir", [Source("pairs")], "pairs", validation_every=4, crop=64, view_size=[64, 96])
    assert BatchSource(section, tmp_path, 0).draw(0, 4).valid is None
    assert ViewSource(section, tmp_path, 0).draw(0, 4).valid is None


def test_validation_scene_has_valid_pixels(section: DataSection, tmp_path: Path) -> None:
    images = load_validations(section, tmp_path)[0]
    scene, _ = next(images.scenes(images.exemplars[0]))
    assert scene.valid is not None
    assert torch.equal(scene.valid[0, 0], (torch.arange(WIDTH) < 64).expand(HEIGHT, WIDTH))
    moved = scene.to(torch.device("cpu"))
    assert moved.valid is not None
    assert moved.stem == scene.stem


def test_unpaired_validation_scene_has_valid_pixels(section: DataSection, tmp_path: Path) -> None:
    hide(tmp_path / "pairs/rgb")
    sets = [ValidationSet("alone", "pairs/rgb", ["pairs/ir/scene_0.png"], pairing="unpaired")]
    data = replace(section, validation="", validations=sets)
    images = load_validations(data, tmp_path)[0]
    scene, _ = next(images.scenes(images.exemplars[0]))
    assert scene.valid is not None
    assert torch.equal(scene.valid[0, 0], (torch.arange(WIDTH) < 64).expand(HEIGHT, WIDTH))
    step = local(lambda gray, _: (torch.arange(WIDTH) >= 64).to(gray).expand_as(gray))
    assert Validation(data, tmp_path, None)(step).scores["alone"]["contrast_exemplar"] == pytest.approx(0, abs=1e-6)
