"""Distance of intensities against quantile functions by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.metrics.exemplar_distance import exemplar_distance


def test_agrees_with_quantile_functions_of_two_sizes() -> None:
    random = np.random.default_rng(0)
    a, b = random.beta(2, 5, (1, 1, 60, 80)), random.beta(3, 2, (1, 1, 33, 47))
    ranks = (np.arange(100_000) + 0.5) / 100_000
    expected = np.abs(np.quantile(a, ranks) - np.quantile(b, ranks)).mean()
    found = exemplar_distance(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert found == pytest.approx(expected, abs=1e-4)


def test_one_exemplar_for_several_pictures() -> None:
    pictures = torch.stack([torch.full((1, 20, 20), level) for level in (0.2, 0.5)])
    assert exemplar_distance(pictures, torch.full((1, 1, 7, 9), 0.3)).tolist() == pytest.approx([0.1, 0.2])
