"""High-pass correlation against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from ir_transfer.evaluation.metrics.highpass import SIGMA, highpass, highpass_correlation


def camera(top: int) -> torch.Tensor:
    return torch.from_numpy(data.camera()[top : top + 90, 100:220].copy()).double()[None, None] / 255


def test_agrees_with_scipy() -> None:
    a, b = camera(0), camera(60)
    expected = [p[0, 0].numpy() - gaussian_filter(p[0, 0].numpy(), SIGMA, mode="nearest") for p in (a, b)]
    assert np.allclose(highpass(a)[0, 0].numpy(), expected[0], atol=1e-4)
    correlation = np.corrcoef(*(values.ravel() for values in expected))[0, 1]
    assert highpass_correlation(a, b).item() == pytest.approx(correlation, abs=1e-3)


def test_embossing_has_a_sign_and_a_ramp_does_not_count() -> None:
    picture = camera(60)
    ramp = torch.linspace(0, 1, 90, dtype=torch.float64)[:, None].expand(90, 120)[None, None]
    assert highpass_correlation(0.2 * picture + ramp, picture).item() > 0.95
    assert highpass_correlation(ramp - 0.2 * picture, picture).item() < -0.95
    assert highpass_correlation(torch.full_like(picture, 0.5), picture).item() == 0
