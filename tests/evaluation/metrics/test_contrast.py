"""Contrast against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.metrics.contrast import contrast


def test_agrees_with_numpy() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((2, 1, 30, 40)), random.beta(2, 5, (1, 1, 17, 23))
    found = contrast(torch.from_numpy(a), torch.from_numpy(b))
    assert found.tolist() == pytest.approx([picture.std() / b.std() for picture in a])


def test_fog_is_below_one_and_a_flat_reference_divides_by_a_thousandth() -> None:
    picture = torch.rand(1, 1, 30, 40, dtype=torch.float64)
    assert contrast(0.5 + 0.4 * (picture - 0.5), picture).item() == pytest.approx(0.4)
    assert contrast(picture, torch.zeros(1, 1, 9, 9)).item() == pytest.approx(1000 * picture.std(correction=0).item())
