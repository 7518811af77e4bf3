"""Reading pairs for measuring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave

from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.scenes import load_exemplar, load_scene
from tests.evaluation.street_scene import render, write_pairs


def test_pair_and_reduced_pair(tmp_path: Path) -> None:
    pair = list_pairs(write_pairs(tmp_path / "set", 1))[0]
    scene, small = load_scene(pair), load_scene(pair, max_side=72)
    assert scene.rgb.shape == (1, 3, 112, 144)
    assert scene.ground_truth.shape == (1, 1, 112, 144)
    assert np.array_equal(np.uint8(scene.ground_truth[0, 0].numpy() * 255 + 0.5), render(0)[1])
    assert (small.rgb.shape, small.ground_truth.shape, small.scale) == ((1, 3, 56, 72), (1, 1, 56, 72), 0.5)
    assert load_scene(pair, max_side=1000).scale == 1
    assert np.allclose(load_scene(pair, black_hot=True).ground_truth, 1 - scene.ground_truth)


def test_a_16_bit_exemplar_keeps_its_levels(tmp_path: Path) -> None:
    levels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    imsave(tmp_path / "e.png", levels)
    assert np.array_equal(np.uint16(load_exemplar(tmp_path / "e.png")[0, 0].double().numpy() * 65535 + 0.5), levels)


def test_sizes_that_differ_are_refused(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    imsave(root / "ir" / "scene0.png", render(0, 100, 100)[1])
    with pytest.raises(InputError, match=r"of one size, got \(144, 112\) and \(100, 100\): register"):
        load_scene(list_pairs(root)[0])
