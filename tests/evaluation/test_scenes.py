"""Reading pairs for evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave

from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.scenes import load_exemplar, load_scene
from tests.evaluation.street_scene import render, write_pairs


def test_pairs_are_read_and_resized(tmp_path: Path) -> None:
    pair = list_pairs(write_pairs(tmp_path / "set", 1))[0]
    scene, small = load_scene(pair), load_scene(pair, max_side=72)
    assert scene.rgb.shape == (1, 3, 112, 144)
    assert scene.ground_truth.shape == (1, 1, 112, 144)
    assert np.array_equal(np.uint8(scene.ground_truth[0, 0].numpy() * 255 + 0.5), render(0)[1])
    assert (small.rgb.shape, small.ground_truth.shape, small.scale) == ((1, 3, 56, 72), (1, 1, 56, 72), 0.5)
    assert load_scene(pair, max_side=1000).scale == 1
    assert np.allclose(load_scene(pair, black_hot=True).ground_truth, 1 - scene.ground_truth)


def test_16_bit_exemplar_keeps_its_levels(tmp_path: Path) -> None:
    levels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    imsave(tmp_path / "e.png", levels)
    assert np.array_equal(np.uint16(load_exemplar(tmp_path / "e.png")[0, 0].double().numpy() * 65535 + 0.5), levels)


def test_unequal_sizes_are_rejected(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    imsave(root / "ir" / "scene0.png", render(0, 100, 100)[1])
    with pytest.raises(InputError, match=r"of one size, got \(144, 112\) and \(100, 100\): register"):
        load_scene(list_pairs(root)[0])


def test_pair_is_valid_where_both_images_are(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    rgb, ir = render(0)
    alphas = [np.full(ir.shape, 255, np.uint8) for _ in range(2)]
    alphas[0][:20], alphas[1][:, :30] = 0, 0
    imsave(root / "rgb" / "scene0.png", np.dstack([rgb, alphas[0]]))
    imsave(root / "ir" / "scene0.png", np.dstack([ir, ir, ir, alphas[1]]))
    pair = list_pairs(root)[0]
    scene, small = load_scene(pair), load_scene(pair, max_side=48)
    assert scene.valid is not None
    assert np.array_equal(scene.valid[0, 0].numpy(), np.minimum(*alphas) > 0)
    assert small.valid is not None
    assert small.valid.shape == small.ground_truth.shape
    assert not small.valid[..., :7, :].any()  # a third of 20 rows, and one that is mixed
    assert small.valid[..., 8:, 12:].all()
    assert scene.exemplar.shape == (1, 1, 92, 114)
    assert np.allclose(scene.exemplar * 255, ir[20:, 30:])


def test_pair_without_common_valid_pixels_is_rejected(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    rgb, ir = render(0)
    half = np.where(np.arange(144) < 72, 255, 0).astype(np.uint8) * np.ones_like(ir)
    imsave(root / "rgb" / "scene0.png", np.dstack([rgb, half]))
    imsave(root / "ir" / "scene0.png", np.dstack([ir, ir, ir, 255 - half]))
    with pytest.raises(InputError, match=r"valid in both .*scene0\.png and .*scene0\.png, got none: check their masks"):
        load_scene(list_pairs(root)[0])
