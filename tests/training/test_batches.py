from pathlib import Path

import pytest
import torch

from ir_transfer.training.batches import BatchSource, training_pairs, validation_pairs
from ir_transfer.training.recipe import DataSection, Source
from tests.training.pair_set import render_pairs


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    render_pairs(tmp_path / "pairs", 6)
    return DataSection("lwir", [Source("pairs")], "pairs", "pairs/ir/scene_0.png", validation_every=3, crop=48)


def test_batch_depends_on_seed_and_step_alone(section: DataSection, tmp_path: Path) -> None:
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
    for picture in (batch.content, batch.truth, batch.exemplar):
        assert picture.min() >= 0
        assert picture.max() <= 1


def test_validation_pairs_are_never_trained_on(section: DataSection, tmp_path: Path) -> None:
    held_out = {p.stem for p in validation_pairs(section, tmp_path)}
    trained = {p.stem for p in training_pairs(section, "pairs", tmp_path)}
    assert held_out == {"scene_0", "scene_3"}
    assert not held_out & trained
    assert len(held_out | trained) == 6


def test_tone_is_applied_alike_to_truth_and_exemplar(section: DataSection, tmp_path: Path) -> None:
    from dataclasses import replace

    black = BatchSource(replace(section, flips=1.0, tone_spread=0.0), tmp_path, 1).draw(0, 4)
    white = BatchSource(replace(section, flips=0.0, tone_spread=0.0), tmp_path, 1).draw(0, 4)
    assert not black.white_hot.any()
    torch.testing.assert_close(black.truth, 1 - white.truth)
    torch.testing.assert_close(black.exemplar, 1 - white.exemplar)
    torch.testing.assert_close(black.content, white.content)
