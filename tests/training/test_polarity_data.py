from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.models.encoder_files import shipped_encoder
from ir_transfer.nn.odd_statistics import COUNT, SIDES
from ir_transfer.nn.polarity import polarity_statistics, statistics_count
from ir_transfer.training.polarity_data import STORED, PolarityAugment, PolaritySet, draw_batch, read_images
from tests.conftest import thermal


def write(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        Image.fromarray(thermal(60, 90, seed)).save(folder / name)


def test_scenes_of_all_folders_are_sorted_and_not_divided(tmp_path: Path) -> None:
    write(tmp_path / "a", "s10_1.png", "s2_1.png", "s2_2.png", "s2_3.png")
    write(tmp_path / "b", "s2_4.png", "s1_1.png", "s1_2.png", "other.png")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    encoder = shipped_encoder()
    found = read_images(tmp_path, PolaritySet("mine", ["a", "b"], scene=r"(?<=s)\d+(?=_)"), encoder)
    stems = [path.stem for path in found.files]
    assert stems == ["s1_1", "s1_2", "s2_1", "s2_2", "s2_3", "s2_4", "s10_1", "other"]
    assert found.levels.shape == (8, 1, *STORED)
    assert found.levels.amin((1, 2, 3)).eq(0).all()
    assert found.levels.amax((1, 2, 3)).eq(255).all(), "each has its own range"
    whole = torch.from_numpy(np.array(Image.open(found.files[0])) / 255.0)[None, None]
    assert found.plain.shape == (8, statistics_count(encoder))
    torch.testing.assert_close(found.plain[:1], polarity_statistics(whole, encoder), atol=1e-4, rtol=1e-3)
    versions = found.augmented(2, torch.Generator().manual_seed(0), encoder)
    assert versions.shape == (8, 2, statistics_count(encoder))
    assert not torch.equal(versions[:, 0], versions[:, 1])
    assert found.folds(4).tolist() == [0, 0, 1, 1, 1, 1, 3, 3]


def test_invalid_pixels_are_excluded_from_statistics(tmp_path: Path) -> None:
    """Otherwise a nodata border would affect the statistics."""
    write(tmp_path / "plain", "a.png")
    gray = np.array(Image.open(tmp_path / "plain/a.png"))
    (tmp_path / "collared").mkdir()
    framed, alpha = (np.pad(one, 30, constant_values=0) for one in (gray, np.full_like(gray, 255)))
    Image.fromarray(np.dstack([framed, alpha]), "LA").save(tmp_path / "collared/a.png")
    plain, collared = (
        read_images(tmp_path, PolaritySet("mine", [name]), shipped_encoder()) for name in ("plain", "collared")
    )
    assert torch.equal(plain.levels, collared.levels)
    assert torch.equal(plain.plain, collared.plain)


def test_missing_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="none of set 'mine', found none: check --data"):
        read_images(tmp_path, PolaritySet("mine", ["none"]), shipped_encoder())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="set 'mine', got none"):
        read_images(tmp_path, PolaritySet("mine", ["empty"]), shipped_encoder())


def test_draws_follow_the_shares() -> None:
    random = torch.Generator().manual_seed(0)
    first, second = torch.ones(5, 4, COUNT), torch.full((50, 4, COUNT), 2.0)
    rows = draw_batch([first, second], [3.0, 1.0], 400, random)
    assert rows.shape == (400, COUNT)
    assert (rows[:, 0] == 1).float().mean().item() == pytest.approx(0.75, abs=0.06)
    assert draw_batch([first[:0], second], [3.0, 1.0], 5, random).eq(2).all()


def test_augmentation_keeps_the_polarity_and_the_range() -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.zeros(64, 1, *STORED)
    images[..., 80:208, 120:264] = 0.8  # a warm wall in the middle, which every crop of 0.4 still shows
    images += 0.02 * torch.randn(images.shape, generator=random).clamp(-3, 3) + 0.06
    made = PolarityAugment(random)(images.clamp(0, 1))
    assert made.shape == (64, 1, *SIDES)
    assert made.min() >= 0
    assert made.max() <= 1
    assert made.std(dim=0).mean() > 0.05, "samples differ"
    centre = made[..., 80:112, 110:146].mean((1, 2, 3))
    border = torch.cat([made[..., :16, :].flatten(1), made[..., -16:, :].flatten(1)], dim=1).mean(1)
    assert (centre > border).float().mean() > 0.85


def test_augmentation_is_the_same_for_the_same_seed() -> None:
    images = torch.from_numpy(np.stack([thermal(*STORED, s) for s in range(4)]) / 255.0)
    first, again, other = (
        PolarityAugment(torch.Generator().manual_seed(seed))(images[:, None].float()) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
