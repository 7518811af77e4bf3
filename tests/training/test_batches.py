from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.batches import BatchSource
from ir_transfer.training.images import ImageCache, find_images
from ir_transfer.training.recipe import DataSection, Source
from ir_transfer.training.sources import find_validations
from tests.training.pair_set import render_pairs


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    render_pairs(tmp_path / "pairs", 6)
    return DataSection("lwir", [Source("pairs")], "pairs", "pairs/ir/scene_0.png", validation_every=3, crop=48)


def test_batch_depends_only_on_seed_and_step(section: DataSection, tmp_path: Path) -> None:
    first, second = BatchSource(section, tmp_path, 3), BatchSource(section, tmp_path, 3)
    second.draw(0, 2)
    a, b = first.draw(7, 2), second.draw(7, 2)
    assert torch.equal(a.content, b.content)
    assert torch.equal(a.truth, b.truth)
    assert torch.equal(a.exemplar, b.exemplar)
    assert not torch.equal(a.content, first.draw(8, 2).content)


def test_shapes_and_ranges(section: DataSection, tmp_path: Path) -> None:
    batch = BatchSource(section, tmp_path, 0).draw(0, 5)
    assert batch.content.shape == (5, 3, 48, 48)
    assert batch.truth.shape == (5, 1, 48, 48)
    for image in (batch.content, batch.truth, batch.exemplar):
        assert image.min() >= 0
        assert image.max() <= 1


def test_validation_pairs_are_excluded_from_training(section: DataSection, tmp_path: Path) -> None:
    held_out = {p.stem for p in find_validations(section, tmp_path)[0].rgb}
    (found,) = find_images(section, tmp_path, ImageCache(1))
    trained = {p.stem for p in found.rgb}
    assert [p.stem for p in found.infrared] == [p.stem for p in found.rgb]
    assert held_out == {"scene_0", "scene_3"}
    assert not held_out & trained
    assert len(held_out | trained) == 6


def test_rank_batches_form_the_whole_batch(section: DataSection, tmp_path: Path) -> None:
    whole = BatchSource(section, tmp_path, 3, reconstruction=0.5).draw(4, 6)
    parts = [BatchSource(section, tmp_path, 3, 0.5, rank, 3).draw(4, 6) for rank in range(3)]
    for name, tensor in whole.tensors().items():
        for rank, part in enumerate(parts):
            assert torch.equal(part.tensors()[name], tensor[rank::3]), name
    assert whole.mirrored.sum() == 3
    assert (whole.truth_weight, whole.style_weight) == (1.0, 1.0)
    assert sum(part.style_weight for part in parts) == pytest.approx(3)


def test_indivisible_batch_size_names_the_key(section: DataSection, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training\.batch_size.*=6"):
        BatchSource(section, tmp_path, 0, world_size=2).draw(0, 5)


def test_mirrored_samples_have_the_requested_share(section: DataSection, tmp_path: Path) -> None:
    source = BatchSource(section, tmp_path, 0, reconstruction=0.3)
    assert sum(int(source.draw(step, 2).mirrored.sum()) for step in range(40)) == pytest.approx(24, abs=8)


def test_unpaired_samples_use_the_exemplar_as_target(section: DataSection, tmp_path: Path) -> None:
    for index, path in enumerate(sorted((tmp_path / "pairs" / "ir").iterdir())):
        Image.new("L", (50 + index, 70), 40 * index).save(path)  # flat: the level tells which one it is
    sources = [Source("pairs/rgb", pairing="unpaired", infrared="pairs/ir")]
    unpaired = replace(section, sources=sources, validation="pairs/rgb", validation_pairing="unpaired", tone_spread=0.0)
    batch = BatchSource(unpaired, tmp_path, 0).draw(0, 6)
    assert not batch.registered.any()
    torch.testing.assert_close(batch.truth.mean((1, 2, 3)), batch.exemplar.mean((1, 2, 3)))
    assert batch.exemplar.mean((1, 2, 3)).std() > 0.05
    assert batch.content.std() > 0.05


def test_mixed_sources_are_drawn_with_their_shares(section: DataSection, tmp_path: Path) -> None:
    other = Source("pairs/rgb", share=2.0, pairing="unpaired", infrared="pairs/ir")
    mixed = BatchSource(replace(section, sources=[*section.sources, other]), tmp_path, 0)
    registered = torch.cat([mixed.draw(step, 8).registered for step in range(15)])
    assert registered.float().mean().item() == pytest.approx(1 / 3, abs=0.1)


def test_images_beyond_the_cache_are_decoded_again(section: DataSection, tmp_path: Path) -> None:
    kept, fresh = (BatchSource(replace(section, cache_gib=gib), tmp_path, 3).draw(2, 4) for gib in (1.0, 0.0))
    assert torch.equal(kept.content, fresh.content)


def test_16_bit_infrared_keeps_its_precision(section: DataSection, tmp_path: Path) -> None:
    for index, path in enumerate(sorted((tmp_path / "pairs" / "ir").iterdir())):
        fine = 30000 + np.random.default_rng(index).integers(0, 64, (72, 96))  # one level of 8 bits
        Image.fromarray(fine.astype(np.uint16)).save(path)
    batch = BatchSource(replace(section, tone_spread=0.0, flips=0.0), tmp_path, 0).draw(0, 4)
    for images in (batch.truth, batch.exemplar):
        assert len(torch.unique((images * 65535).round())) > 30
        assert (images * 65535).min() >= 29999
        assert (images * 65535).max() <= 30064


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_own_exemplars_have_the_requested_share(section: DataSection, tmp_path: Path, share: float) -> None:
    for index, path in enumerate(sorted((tmp_path / "pairs" / "ir").iterdir())):
        Image.new("L", (96, 72), 40 * index).save(path)  # flat: the level tells which one it is
    plain = replace(section, tone_spread=0.0, flips=0.0, own_exemplar=share, validation_every=6)
    source = BatchSource(plain, tmp_path, 0)
    own = [
        torch.isclose(batch.truth.mean((1, 2, 3)), batch.exemplar.mean((1, 2, 3)), atol=1e-3)
        for batch in (source.draw(step, 8) for step in range(25))
    ]
    others_by_chance = (1 - share) / 5  # of the five images that do not validate
    assert torch.cat(own).float().mean().item() == pytest.approx(share + others_by_chance, abs=0.09 * (share < 1))


def test_wrong_folders_name_the_key_and_the_content(section: DataSection, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="--data"):
        BatchSource(section, tmp_path / "nowhere", 0)
    with pytest.raises(MissingFileError, match=r"data\.sources\[0\]\.path.*--data has pairs"):
        BatchSource(replace(section, sources=[Source("pears")]), tmp_path, 0)


def test_unequal_sizes_are_found_before_the_first_step(section: DataSection, tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "pairs" / "ir" / "scene_5.png")
    with pytest.raises(InputError, match=r"scene_5.*unpaired"):
        BatchSource(section, tmp_path, 0)


def test_tone_is_applied_equally_to_target_and_exemplar(section: DataSection, tmp_path: Path) -> None:
    black = BatchSource(replace(section, flips=1.0, tone_spread=0.0), tmp_path, 1).draw(0, 4)
    white = BatchSource(replace(section, flips=0.0, tone_spread=0.0), tmp_path, 1).draw(0, 4)
    assert not black.white_hot.any()
    torch.testing.assert_close(black.truth, 1 - white.truth)
    torch.testing.assert_close(black.exemplar, 1 - white.exemplar)
    torch.testing.assert_close(black.content, white.content)
