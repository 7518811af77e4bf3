"""Distances of patch sets with their spread over scenes."""

from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.evaluation.distribution_draws import RESAMPLES, DistributionJudge
from ir_transfer.evaluation.metrics.distribution import frechet_distance, kernel_distance, standardised
from ir_transfer.evaluation.samples import SampleFile
from ir_transfer.evaluation.summary import SceneDraws

SCENES = 12


def patches(shift: float, seed: int, spread: float = 0.3) -> SampleFile:
    """Patches whose scenes differ, in two levels."""
    rng = np.random.default_rng(seed)
    samples = SampleFile()
    for scene in range(SCENES):
        centre = rng.normal(shift, spread, 8)
        samples.add(scene, list(np.split(rng.normal(centre, 1, (20, 8)), [3], axis=1)))
    return samples


def test_figures_are_those_of_all_patches_and_draws_surround_them() -> None:
    truth, method = patches(0, 0), patches(1, 1)
    found = DistributionJudge(truth, SceneDraws(SCENES))(method)
    own = truth.read()
    a, b = standardised(method.read(), own), standardised(own, own)
    expected = {"patch_frechet": frechet_distance(a, b), "patch_mmd": kernel_distance(a, b)[0]}
    for key, estimate in found.items():
        assert estimate.value == pytest.approx(expected[key])
        assert len(estimate.draws) == RESAMPLES
        assert np.nanmean(estimate.draws) == pytest.approx(estimate.value)
        assert estimate.score.low < estimate.value < estimate.score.high


def test_scenes_that_differ_more_make_wider_intervals() -> None:
    draws = SceneDraws(SCENES)
    truth = patches(0, 0, spread=0)
    alike, unlike = (DistributionJudge(truth, draws)(patches(1, 1, spread)) for spread in (0.0, 1.0))
    for key in ("patch_frechet", "patch_mmd"):
        widths = [e[key].score.high - e[key].score.low for e in (alike, unlike)]
        assert 0 < 2 * widths[0] < widths[1]


def test_one_scene_has_no_kernel_interval() -> None:
    samples = SampleFile()
    samples.add(0, [np.random.default_rng(0).normal(0, 1, (20, 4))])
    score = DistributionJudge(samples, SceneDraws(1))(samples)["patch_mmd"].score
    assert score.low == score.mean == score.high
