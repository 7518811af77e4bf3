"""Resamples of distribution distances, and the patch file."""

from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.evaluation.bootstrap import SceneBootstrap
from ir_transfer.evaluation.distribution_bootstrap import RESAMPLES, DistributionBootstrap, PatchFile
from ir_transfer.metrics.distribution import frechet_distance, kernel_distance, standardised


def test_patch_file_keeps_levels_and_scenes() -> None:
    rng = np.random.default_rng(0)
    parts = [[rng.random((n, width), dtype=np.float32) for width in (2, 3)] for n in (4, 1, 5)]
    samples = PatchFile()
    for scene, levels in zip((0, 0, 2), parts, strict=True):
        samples.add(scene, levels)
    assert samples.owners.tolist() == [0] * 5 + [2] * 5
    for level, found in enumerate(samples.read()):
        assert np.array_equal(found, np.concatenate([part[level] for part in parts]))
    samples.add(3, parts[0])  # after a reading it goes on where it was
    assert len(samples.read()[0]) == len(samples) == 14


SCENES = 12


def patches(shift: float, seed: int, spread: float = 0.3) -> PatchFile:
    """Return patches of differing scenes at two levels."""
    rng = np.random.default_rng(seed)
    samples = PatchFile()
    for scene in range(SCENES):
        centre = rng.normal(shift, spread, 8)
        samples.add(scene, list(np.split(rng.normal(centre, 1, (20, 8)), [3], axis=1)))
    return samples


def test_values_use_all_patches_and_resamples_are_centred_on_them() -> None:
    truth, method = patches(0, 0), patches(1, 1)
    found = DistributionBootstrap(truth, SceneBootstrap(SCENES))(method)
    own = truth.read()
    a, b = standardised(method.read(), own), standardised(own, own)
    expected = {"patch_frechet": frechet_distance(a, b), "patch_mmd": kernel_distance(a, b)[0]}
    for key, estimate in found.items():
        assert estimate.value == pytest.approx(expected[key])
        assert len(estimate.draws) == RESAMPLES
        assert np.nanmean(estimate.draws) == pytest.approx(estimate.value)
        assert estimate.score.low < estimate.value < estimate.score.high


def test_larger_scene_variance_gives_wider_intervals() -> None:
    draws = SceneBootstrap(SCENES)
    truth = patches(0, 0, spread=0)
    alike, unlike = (DistributionBootstrap(truth, draws)(patches(1, 1, spread)) for spread in (0.0, 1.0))
    for key in ("patch_frechet", "patch_mmd"):
        widths = [e[key].score.high - e[key].score.low for e in (alike, unlike)]
        assert 0 < 2 * widths[0] < widths[1]


def test_one_scene_has_no_kernel_interval() -> None:
    samples = PatchFile()
    samples.add(0, [np.random.default_rng(0).normal(0, 1, (20, 4))])
    score = DistributionBootstrap(samples, SceneBootstrap(1))(samples)["patch_mmd"].score
    assert score.low == score.mean == score.high
