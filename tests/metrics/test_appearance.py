"""Contrast, distribution, spectrum and line noise of known images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, mean
from scipy.stats import wasserstein_distance
from skimage import data

from ir_transfer.metrics.appearance import (
    RINGS,
    contrast,
    line_noise,
    radial_power,
    spectrum_distance,
    wasserstein,
)


def test_agrees_with_numpy() -> None:
    random = np.random.default_rng(0)
    a, b = random.random((2, 1, 30, 40)), random.beta(2, 5, (1, 1, 17, 23))
    found = contrast(torch.from_numpy(a), torch.from_numpy(b))
    assert found.tolist() == pytest.approx([image.std() / b.std() for image in a])


def test_fog_scores_below_1_and_a_flat_reference_is_regularised() -> None:
    image = torch.rand(1, 1, 30, 40, dtype=torch.float64)
    assert contrast(0.5 + 0.4 * (image - 0.5), image).item() == pytest.approx(0.4)
    assert contrast(image, torch.zeros(1, 1, 9, 9)).item() == pytest.approx(1000 * image.std(correction=0).item())


def test_agrees_with_quantile_functions_of_two_sizes() -> None:
    random = np.random.default_rng(0)
    a, b = random.beta(2, 5, (1, 1, 60, 80)), random.beta(3, 2, (1, 1, 33, 47))
    ranks = (np.arange(100_000) + 0.5) / 100_000
    expected = np.abs(np.quantile(a, ranks) - np.quantile(b, ranks)).mean()
    found = wasserstein(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert found == pytest.approx(expected, abs=1e-4)


def test_one_exemplar_for_several_images() -> None:
    images = torch.stack([torch.full((1, 20, 20), level) for level in (0.2, 0.5)])
    assert wasserstein(images, torch.full((1, 1, 7, 9), 0.3)).tolist() == pytest.approx([0.1, 0.2])


def test_agrees_with_scipy() -> None:
    a, b = torch.rand(2, 1, 20, 30), torch.rand(2, 1, 20, 30) ** 3
    expected = [wasserstein_distance(x.flatten().numpy(), y.flatten().numpy()) for x, y in zip(a, b, strict=True)]
    assert wasserstein(a, b).tolist() == pytest.approx(expected, abs=1e-6)


def test_ignores_pixel_positions_and_measures_an_offset() -> None:
    image = torch.rand(1, 1, 20, 30) * 0.8
    assert wasserstein(image.flip(3), image).item() == 0
    assert wasserstein(image + 0.2, image).item() == pytest.approx(0.2, abs=1e-6)


def test_rings_agree_with_scipy() -> None:
    image = data.camera()[100:190, 100:220] / 255.0
    height, width = image.shape
    window = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in (height, width)))
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2 / (window**2).sum()
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    rings = np.floor(radius * 2 * RINGS).astype(int)
    rings[0, 0] = RINGS
    expected = mean(power, rings, np.arange(RINGS))
    found = radial_power(torch.from_numpy(image)[None, None])[0].numpy()
    # Frequencies on the border of two rings may go either way.
    assert np.median(np.abs(found / expected - 1)) < 1e-6
    assert np.abs(found / expected - 1).max() < 0.2


def test_white_noise_has_equal_power_in_all_rings() -> None:
    noise = 0.5 + 0.1 * torch.randn(1, 1, 256, 200, generator=torch.Generator().manual_seed(0))
    assert radial_power(noise)[0, 2:].numpy() == pytest.approx(0.01, rel=0.35)
    assert radial_power(noise).mean().item() == pytest.approx(0.01, rel=0.05)


def test_blurred_and_blank_images_are_far_but_a_negative_is_not() -> None:
    truth = torch.from_numpy(data.camera()[100:228, 100:228] / 255.0)[None, None]
    blurred = torch.from_numpy(gaussian_filter(truth[0, 0].numpy(), 2))[None, None]
    flat = torch.full_like(truth, 0.5)
    assert spectrum_distance(1 - truth, truth).item() < 1e-6
    assert 3 < spectrum_distance(blurred, truth).item() < spectrum_distance(flat, truth).item()


def test_16_pixel_image_has_a_value() -> None:
    assert spectrum_distance(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)).isfinite().all()


def scene() -> torch.Tensor:
    """An 8-bit slope with an object."""
    image = torch.linspace(0.3, 0.6, 200)[:, None].expand(200, 240).clone()
    image[60:120, 80:130] = 0.9
    return (image * 255).round()[None, None] / 255


@pytest.mark.parametrize("axis", [2, 3])
def test_measures_the_strength_of_stripes(axis: int) -> None:
    shape = [1, 1, 1, 1]
    shape[axis] = scene().shape[axis]
    noise = torch.randn(scene().shape, generator=torch.Generator().manual_seed(0))
    stripes = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    image = ((scene() + 0.01 * noise + 0.02 * stripes) * 255).round() / 255
    assert line_noise(image).item() == pytest.approx(0.02, rel=0.25)


def test_clean_scene_has_nearly_no_stripes() -> None:
    assert line_noise(scene()).item() < 0.002
    assert line_noise(torch.full((1, 1, 50, 50), 0.5)).item() == 0
