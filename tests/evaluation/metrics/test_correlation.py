"""Correlations against NumPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from skimage.filters import sobel_h, sobel_v
from torch import Tensor

from ir_transfer.evaluation.metrics.correlation import (
    gradient_correlation,
    pearson,
    polarity_correlation,
    tolerant_gradient_correlation,
)


def camera(top: int) -> Tensor:
    return torch.from_numpy(data.camera()[top : top + 90, 100:220].copy()).float()[None, None] / 255


def test_pearson_agrees_with_numpy() -> None:
    expected = np.corrcoef(camera(0).numpy().ravel(), camera(100).numpy().ravel())[0, 1]
    assert pearson(camera(0), camera(100)).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.7])
def test_a_flat_picture_correlates_with_nothing(level: float) -> None:
    flat = torch.full((1, 1, 90, 120), level)
    assert pearson(flat, camera(0)).item() == 0
    assert pearson(flat, flat).item() == 0
    assert gradient_correlation(flat, camera(0)).item() == 0


def test_polarity_of_a_negative_is_minus_one() -> None:
    assert polarity_correlation(camera(0), 1 - camera(0)).item() == pytest.approx(-1)


def test_gradients_agree_with_scikit_image_inside_the_picture() -> None:
    pictures = camera(0), camera(60)
    magnitudes = [np.hypot(sobel_h(p[0, 0].numpy()), sobel_v(p[0, 0].numpy()))[1:-1, 1:-1].ravel() for p in pictures]
    expected = np.corrcoef(*magnitudes)[0, 1]
    assert gradient_correlation(*pictures).item() == pytest.approx(expected, abs=0.02)


def test_gradients_ignore_polarity() -> None:
    assert gradient_correlation(camera(0), 1 - camera(0)).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -3), (-2, 1)])
def test_a_shift_within_the_tolerance_costs_nothing(down: int, right: int) -> None:
    whole = torch.from_numpy(data.camera()[0:120, 100:260].copy()).float()[None, None] / 255
    moved = whole[..., 10 + down : 100 + down, 10 + right : 130 + right]
    assert tolerant_gradient_correlation(moved, whole[..., 10:100, 10:130]).item() > 0.98
    assert (gradient_correlation(moved, whole[..., 10:100, 10:130]).item() > 0.9) == (down == 0)


def test_a_larger_shift_and_a_blank_do_cost() -> None:
    whole = torch.from_numpy(data.camera()[0:120, 100:260].copy()).float()[None, None] / 255
    assert tolerant_gradient_correlation(whole[..., :100, :140], whole[..., 12:112, 12:152]).item() < 0.7
    assert tolerant_gradient_correlation(torch.full_like(whole, 0.5), whole).item() == 0
