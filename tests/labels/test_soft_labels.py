from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.labels.soft_labels import CLASSES, SoftLabels, probabilities, probabilities_at, read_soft_labels


def random_labels(height: int = 9, width: int = 13) -> SoftLabels:
    random = np.random.default_rng(0)
    labels = random.integers(0, 256, (height, width, 4)).astype(np.uint8)
    labels[..., 0] %= len(CLASSES)
    labels[..., 2] = (labels[..., 0] + 1 + labels[..., 2] % (len(CLASSES) - 1)) % len(CLASSES)
    labels[..., 1] = 128 + labels[..., 1] // 2
    labels[..., 3] = labels[..., 3].astype(int) * (255 - labels[..., 1]) // 255
    return labels


def test_probabilities_sum_to_1_and_equal_the_stored_ones() -> None:
    labels = random_labels()
    found = probabilities(labels)
    assert found.shape == (11, 9, 13)
    torch.testing.assert_close(found.sum(0), torch.ones(9, 13, dtype=found.dtype))
    assert bool((found >= 0).all())
    for row, column in ((0, 0), (4, 7), (8, 12)):
        first, likely, second, less = (int(value) for value in labels[row, column])
        assert found[first, row, column].item() == pytest.approx(likely / 255, abs=1e-6)
        assert found[second, row, column].item() == pytest.approx(less / 255, abs=1e-6)
        others = [number for number in range(11) if number not in {first, second}]
        rest = (255 - likely - less) / 255 / 9
        torch.testing.assert_close(found[others, row, column], torch.full((9,), rest, dtype=found.dtype))


def test_impossible_labels_still_sum_to_1() -> None:
    labels = np.array([[[1, 255, 1, 255], [3, 200, 4, 200], [250, 255, 0, 0], [2, 0, 5, 0]]], np.uint8)
    found = probabilities(labels)
    torch.testing.assert_close(found.sum(0), torch.ones(1, 4, dtype=found.dtype))
    assert found[1, 0, 0] == found[:, 0, 0].max()
    assert found[3, 0, 1].item() == pytest.approx(0.5)


def test_file_round_trips(tmp_path: Path) -> None:
    labels, path = random_labels(), tmp_path / "a.png"
    Image.fromarray(labels, "RGBA").save(path)
    assert np.array_equal(read_soft_labels(path), labels)
    Image.fromarray(labels[..., :3]).save(path)
    with pytest.raises(InputError, match=r"RGBA at .*a\.png, got mode RGB"):
        read_soft_labels(path)
    with pytest.raises(MissingFileError, match=r"b\.png"):
        read_soft_labels(tmp_path / "b.png")


def test_box_uses_the_nearest_labels() -> None:
    labels = np.zeros((4, 6, 4), np.uint8)
    labels[..., 0], labels[..., 1] = np.arange(24).reshape(4, 6) % 11, 255
    whole = probabilities_at(labels, (0, 0, 1, 1), (4, 6)).argmax(0)
    assert np.array_equal(whole.numpy(), labels[..., 0])
    part = probabilities_at(labels, (0.5, 1 / 3, 0.5, 0.5), (2, 3)).argmax(0)
    assert np.array_equal(part.numpy(), labels[2:, 2:5, 0])
    twice = probabilities_at(labels, (0, 0, 1, 1), (8, 12)).argmax(0)
    assert np.array_equal(twice.numpy(), labels[..., 0].repeat(2, 0).repeat(2, 1))
