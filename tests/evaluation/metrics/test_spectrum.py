"""Radial power spectra against NumPy and SciPy, and on pictures of known power."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, mean
from skimage import data

from ir_transfer.evaluation.metrics.spectrum import RINGS, radial_power, spectrum_distance


def test_rings_agree_with_scipy() -> None:
    picture = data.camera()[100:190, 100:220] / 255.0
    height, width = picture.shape
    window = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in (height, width)))
    power = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2 / (window**2).sum()
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    rings = np.floor(radius * 2 * RINGS).astype(int)
    rings[0, 0] = RINGS
    expected = mean(power, rings, np.arange(RINGS))
    found = radial_power(torch.from_numpy(picture)[None, None])[0].numpy()
    # Frequencies on the border of two rings may go either way.
    assert np.median(np.abs(found / expected - 1)) < 1e-6
    assert np.abs(found / expected - 1).max() < 0.2


def test_white_noise_has_its_variance_everywhere() -> None:
    noise = 0.5 + 0.1 * torch.randn(1, 1, 256, 200, generator=torch.Generator().manual_seed(0))
    assert radial_power(noise)[0, 2:].numpy() == pytest.approx(0.01, rel=0.35)
    assert radial_power(noise).mean().item() == pytest.approx(0.01, rel=0.05)


def test_blur_and_blank_are_far_and_a_negative_is_not() -> None:
    truth = torch.from_numpy(data.camera()[100:228, 100:228] / 255.0)[None, None]
    blurred = torch.from_numpy(gaussian_filter(truth[0, 0].numpy(), 2))[None, None]
    flat = torch.full_like(truth, 0.5)
    assert spectrum_distance(1 - truth, truth).item() < 1e-6
    assert 3 < spectrum_distance(blurred, truth).item() < spectrum_distance(flat, truth).item()


def test_a_picture_of_16_pixels_has_a_figure() -> None:
    assert spectrum_distance(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)).isfinite().all()
