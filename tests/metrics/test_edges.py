"""Edges and known shifts against SciPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation, fourier_shift
from skimage import data
from skimage.filters import sobel_h, sobel_v

from ir_transfer.metrics.edges import edges_kept, shift


def camera() -> torch.Tensor:
    return torch.from_numpy(data.camera()[64:256, 128:352].copy()).double()[None, None] / 255


def moved(by: tuple[float, float]) -> torch.Tensor:
    image = camera()[0, 0].numpy()
    return torch.from_numpy(np.fft.ifft2(fourier_shift(np.fft.fft2(image), by)).real)[None, None]


def test_kept_edges_agree_with_scipy() -> None:
    a, b = camera(), moved((2, 1))
    strong = []
    for image in (a, b):
        strength = np.hypot(sobel_h(image[0, 0].numpy()), sobel_v(image[0, 0].numpy()))
        strong.append(strength > np.quantile(strength, 0.9))
    expected = (strong[0] & binary_dilation(strong[1], np.ones((3, 3)))).sum() / strong[0].sum()
    assert edges_kept(b, a).item() == pytest.approx(expected, abs=0.02)


def test_negative_keeps_all_edges_and_a_blank_image_none() -> None:
    assert edges_kept(1 - 0.3 * camera(), camera()).item() == 1
    assert edges_kept(torch.full_like(camera(), 0.4), camera()).item() == 0


@pytest.mark.parametrize("by", [(0.0, 0.0), (0.6, 0.0), (-1.0, 2.0), (0.3, -0.4)])
def test_measures_a_known_shift(by: tuple[float, float]) -> None:
    length, windows = shift(moved(by), camera())
    assert windows > 10
    assert length == pytest.approx(np.hypot(*by), abs=0.1)


def test_shift_ignores_polarity_and_is_undefined_for_blank_images() -> None:
    assert shift(1 - moved((0.0, 1.0)), camera())[0] == pytest.approx(1, abs=0.1)
    assert shift(torch.full_like(camera(), 0.4), camera()) == (0.0, 0)
