"""The blur follows the MTF formulas, keeps the mean and introduces no shift."""

from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.sensor.model import Optics, Sampling
from ir_transfer.sensor.optics import Grid, blur, diffraction, fit, mtf, shrink

LENS = Optics(f_number=1.0, wavelength_um=10.0, pitch_um=12, aberration_px=0.25)


def own(height: int, width: int) -> Grid:
    return fit(None, height, width)


def test_diffraction_at_known_frequencies() -> None:
    found = diffraction(np.array([0, 0.5, 1, 3], np.float32))
    assert found == pytest.approx([1, 0.3910022, 0, 0], abs=1e-6)


@pytest.mark.parametrize("cycles", [4, 16, 24])
def test_wave_contrast_follows_the_mtf(cycles: int) -> None:
    """A cosine that is symmetric at the border is an eigenvector of the blur."""
    width = 64
    x = (np.arange(width) + 0.5) / width
    wave = np.broadcast_to(0.5 + 0.4 * np.cos(np.pi * cycles * x), (32, width)).astype(np.float32)
    blurred = blur(wave, mtf(LENS, 1.0, 32, width, own(32, width)))
    f = cycles / (2 * width)  # cycles per pixel
    v = f / 12 * 10
    expected = 2 / np.pi * (np.arccos(v) - v * np.sqrt(1 - v**2)) * np.exp(-2 * (np.pi * 0.25 * f) ** 2) * np.sinc(f)
    assert (blurred - 0.5) / 0.4 == pytest.approx(
        np.broadcast_to(expected * np.cos(np.pi * cycles * x), (32, 64)), abs=1e-5
    )


def test_blur_keeps_mean_symmetry_and_position() -> None:
    image = np.zeros((33, 41), np.float32)
    image[16, 20] = 1
    blurred = blur(image, mtf(LENS, 1.0, 33, 41, own(33, 41)))
    assert blurred.mean() == pytest.approx(image.mean(), rel=1e-5)
    assert blurred == pytest.approx(blurred[::-1], abs=1e-6)
    assert blurred == pytest.approx(blurred[:, ::-1], abs=1e-6)
    assert blurred.argmax() == 16 * 41 + 20
    assert 0.4 < 1 / np.sqrt(2 * np.pi) / blurred.sum(0).max() < 0.7  # the Gaussian of this peak is half a pixel wide


def test_wide_pixel_blurs_more_along_rows() -> None:
    factors = mtf(LENS, 2.0, 32, 32, own(32, 32))
    # In cycles per pixel a pixel of twice the pitch is nearer to the lens's limit down than across.
    assert factors[31, 0] < factors[0, 31]


def test_pixel_area_is_applied_once_on_coarse_sensors() -> None:
    """A low-frequency wave has the same contrast whether the image is as fine as the sensor or four times finer."""
    contrasts = []
    for scale in (1, 4):
        width = 64 * scale
        x = (np.arange(width) + 0.5) / width
        wave = np.broadcast_to(0.5 + 0.5 * np.cos(np.pi * 16 * x), (width, width)).astype(np.float32)
        grid = fit(Sampling(64, 64), width, width)
        seen = shrink(blur(wave, mtf(LENS, 1.0, width, width, grid)), grid)
        contrasts.append(np.abs(np.fft.rfft(seen[32] - 0.5)[8]) / 32)
    assert contrasts[0] == pytest.approx(contrasts[1], rel=0.02)
