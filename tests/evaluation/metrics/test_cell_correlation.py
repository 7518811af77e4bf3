"""Correlation over cells against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.metrics.cell_correlation import CELL, cell_correlation


def blurred_noise(seed: int, height: int = 64, width: int = 96) -> torch.Tensor:
    coarse = torch.rand(1, 1, height // 16, width // 16, generator=torch.Generator().manual_seed(seed))
    fine = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed + 1))
    return 0.7 * torch.nn.functional.interpolate(coarse, (height, width)) + 0.3 * fine


def test_agrees_with_numpy() -> None:
    a, b = blurred_noise(0), blurred_noise(5)
    means = [p[0, 0].double().numpy().reshape(4, CELL, 6, CELL).mean(axis=(1, 3)).ravel() for p in (a, b)]
    assert cell_correlation(a, b).item() == pytest.approx(np.corrcoef(*means)[0, 1], abs=1e-6)


def test_a_cut_cell_counts_with_the_pixels_that_it_has() -> None:
    a, b = blurred_noise(0)[..., :40, :90], blurred_noise(5)[..., :40, :90]
    cells = [
        [
            float(p[0, 0, y : y + CELL, x : x + CELL].double().mean())
            for y in range(0, 40, CELL)
            for x in range(0, 90, CELL)
        ]
        for p in (a, b)
    ]
    assert cell_correlation(a, b).item() == pytest.approx(np.corrcoef(np.array(cells))[0, 1], abs=1e-6)


def test_neither_tone_nor_detail_matters_but_sign_does() -> None:
    truth = blurred_noise(0)
    toned = 0.1 + 0.5 * truth
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 48)[None, None]
    assert cell_correlation(toned + 0.1 * checks, truth).item() == pytest.approx(1, abs=1e-6)
    assert cell_correlation(1 - truth, truth).item() == pytest.approx(-1, abs=1e-6)
    assert cell_correlation(torch.full_like(truth, 0.4), truth).item() == 0
