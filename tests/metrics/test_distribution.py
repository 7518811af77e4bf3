"""Frechet and kernel distance against their definitions, on samples of known distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from ir_transfer.errors import InputError
from ir_transfer.metrics.distribution import (
    Samples,
    frechet_distance,
    joined,
    kernel_distance,
    patch_area,
    pooled_patches,
    standardised,
)
from ir_transfer.metrics.features import unit_length
from ir_transfer.nn.perceptual import PerceptualEncoder


def patch_features(encoder: PerceptualEncoder, images: torch.Tensor) -> list[Samples]:
    return pooled_patches(unit_length(list(encoder(patch_area(images)).values())))


def samples(count: int, shift: float = 0.0, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 0.3, (count, 6)) @ np.triu(np.ones((6, 6))) / 3


def test_frechet_agrees_with_the_matrix_root_definition() -> None:
    a, b = samples(300), samples(200, 0.5, seed=1) ** 2
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_equal_sets_is_0_and_constant_sets_are_finite() -> None:
    assert frechet_distance(samples(100), samples(100)) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(np.zeros((50, 6)), samples(100)) == pytest.approx(
        np.trace(np.cov(samples(100).T)) + np.square(samples(100).mean(0)).sum()
    )


def test_kernel_distance_is_the_unbiased_estimate_in_blocks() -> None:
    a, b = samples(8), samples(8, 1, seed=1)
    rng = np.random.default_rng(3)
    parts = [np.split(rng.permutation(s), 2) for s in (a, b)]
    estimates = []
    for x, y in zip(*parts, strict=True):
        xx, yy, xy = ((p @ q.T + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
        within = [np.mean([k[i, j] for i in range(4) for j in range(4) if i != j]) for k in (xx, yy)]
        estimates.append(sum(within) - 2 * xy.mean())
    mean, error = kernel_distance(a, b, block=4, seed=3)
    assert mean == pytest.approx(np.mean(estimates))
    assert error == pytest.approx(np.std(estimates, ddof=1) / np.sqrt(2))


def test_kernel_distance_of_one_distribution_is_0_within_its_error() -> None:
    means = [kernel_distance(samples(400, seed=2 * s), samples(400, seed=2 * s + 1), block=50) for s in range(10)]
    assert abs(np.mean([m for m, _ in means])) < 3 * np.mean([e for _, e in means]) / np.sqrt(10)
    assert kernel_distance(samples(400), samples(400, 0.5, seed=1))[0] > 10 * means[0][1]


def test_kernel_distance_rejects_too_few_samples() -> None:
    with pytest.raises(InputError, match="at least 4 samples"):
        kernel_distance(samples(3), samples(10))


@torch.inference_mode()
def test_patches_form_one_grid_at_all_levels() -> None:
    encoder = PerceptualEncoder((4, 8, 8, 8, 8))
    levels = patch_features(encoder, torch.rand(2, 1, 131, 170))
    assert [level.shape for level in levels] == [(2 * 3 * 4, width) for width in (4, 8, 8, 8, 8)]
    with pytest.raises(InputError, match="at least 64 x 64"):
        patch_features(encoder, torch.rand(1, 1, 63, 100))


def test_standardised_reference_has_zero_mean_and_unit_variance_shared_by_levels() -> None:
    levels = joined([[samples(40), 100 * samples(40, 1)], [samples(30, seed=1), 7 * samples(30, seed=2)]])
    unit = standardised(levels, levels)
    assert unit.shape == (70, 12)
    assert np.abs(unit.mean(axis=0)).max() < 1e-12
    assert [unit[:, :6].var(axis=0).sum(), unit[:, 6:].var(axis=0).sum()] == pytest.approx([0.5, 0.5])
    assert np.isclose(cdist(unit, unit, "sqeuclidean").sum() / 70**2, 2)
