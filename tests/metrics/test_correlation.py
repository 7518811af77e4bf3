"""Correlations against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, sobel
from skimage import data
from skimage.filters import sobel_h, sobel_v
from torch import Tensor

from ir_transfer.metrics.correlation import (
    CELL,
    SIGMA,
    SIGN_TOLERANCE,
    cell_correlation,
    gradient_agreement,
    gradient_correlation,
    highpass,
    highpass_correlation,
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
def test_flat_image_has_zero_correlation(level: float) -> None:
    flat = torch.full((1, 1, 90, 120), level)
    assert pearson(flat, camera(0)).item() == 0
    assert pearson(flat, flat).item() == 0
    assert gradient_correlation(flat, camera(0)).item() == 0


def test_polarity_of_a_negative_is_minus_1() -> None:
    assert polarity_correlation(camera(0), 1 - camera(0)).item() == pytest.approx(-1)


def test_gradients_agree_with_scikit_image_inside_the_image() -> None:
    images = camera(0), camera(60)
    magnitudes = [np.hypot(sobel_h(p[0, 0].numpy()), sobel_v(p[0, 0].numpy()))[1:-1, 1:-1].ravel() for p in images]
    expected = np.corrcoef(*magnitudes)[0, 1]
    assert gradient_correlation(*images).item() == pytest.approx(expected, abs=0.02)


def test_gradients_ignore_polarity() -> None:
    assert gradient_correlation(camera(0), 1 - camera(0)).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -3), (-2, 1)])
def test_shift_within_the_tolerance_costs_nothing(down: int, right: int) -> None:
    whole = torch.from_numpy(data.camera()[0:120, 100:260].copy()).float()[None, None] / 255
    moved = whole[..., 10 + down : 100 + down, 10 + right : 130 + right]
    assert tolerant_gradient_correlation(moved, whole[..., 10:100, 10:130]).item() > 0.98
    assert (gradient_correlation(moved, whole[..., 10:100, 10:130]).item() > 0.9) == (down == 0)


def test_larger_shift_and_blank_image_lower_the_score() -> None:
    whole = torch.from_numpy(data.camera()[0:120, 100:260].copy()).float()[None, None] / 255
    assert tolerant_gradient_correlation(whole[..., :100, :140], whole[..., 12:112, 12:152]).item() < 0.7
    assert tolerant_gradient_correlation(torch.full_like(whole, 0.5), whole).item() == 0


def camera_gradient_agreement(top: int, left: int = 100) -> Tensor:
    return torch.from_numpy(data.camera()[top : top + 90, left : left + 120].copy()).double()[None, None] / 255


def by_scipy(a: Tensor, b: Tensor) -> float:
    fields = [np.stack([sobel(p[0, 0].numpy(), axis, mode="nearest") for axis in (0, 1)]) for p in (a, b)]
    t, (height, width) = SIGN_TOLERANCE, fields[0].shape[1:]
    inner = fields[0][:, t : height - t, t : width - t].ravel()
    found = []
    for dy in range(-t, t + 1):
        for dx in range(-t, t + 1):
            moved = fields[1][:, t + dy : height - t + dy, t + dx : width - t + dx].ravel()
            found.append(float(inner @ moved / (np.linalg.norm(inner) * np.linalg.norm(moved))))
    return max(found)


def test_agrees_with_scipy() -> None:
    assert gradient_agreement(camera_gradient_agreement(60), camera_gradient_agreement(75)).item() == pytest.approx(
        by_scipy(camera_gradient_agreement(60), camera_gradient_agreement(75)), abs=1e-6
    )


def test_depends_on_the_sign_but_not_on_the_tone() -> None:
    image = camera_gradient_agreement(60)
    assert gradient_agreement(0.3 + 0.2 * image, image).item() == pytest.approx(1)
    assert gradient_agreement(1 - image, image).item() < 0.2
    assert gradient_agreement(torch.full_like(image, 0.5), image).item() == 0


@pytest.mark.parametrize(("by", "same"), [((1, -2), True), ((2, 2), True), ((0, 4), False)])
def test_shifts_of_two_pixels_are_tolerated(by: tuple[int, int], same: bool) -> None:
    found = gradient_agreement(camera_gradient_agreement(60 + by[0], 100 + by[1]), camera_gradient_agreement(60)).item()
    assert (found > 0.99) == same


def blurred_noise(seed: int, height: int = 64, width: int = 96) -> torch.Tensor:
    coarse = torch.rand(1, 1, height // 16, width // 16, generator=torch.Generator().manual_seed(seed))
    fine = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed + 1))
    return 0.7 * torch.nn.functional.interpolate(coarse, (height, width)) + 0.3 * fine


def test_agrees_with_numpy() -> None:
    a, b = blurred_noise(0), blurred_noise(5)
    means = [p[0, 0].double().numpy().reshape(4, CELL, 6, CELL).mean(axis=(1, 3)).ravel() for p in (a, b)]
    assert cell_correlation(a, b).item() == pytest.approx(np.corrcoef(*means)[0, 1], abs=1e-6)


def test_partial_cell_is_averaged_over_its_pixels() -> None:
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


def test_ignores_tone_and_detail_but_not_sign() -> None:
    truth = blurred_noise(0)
    toned = 0.1 + 0.5 * truth
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(32, 48)[None, None]
    assert cell_correlation(toned + 0.1 * checks, truth).item() == pytest.approx(1, abs=1e-6)
    assert cell_correlation(1 - truth, truth).item() == pytest.approx(-1, abs=1e-6)
    assert cell_correlation(torch.full_like(truth, 0.4), truth).item() == 0


def camera_highpass(top: int) -> torch.Tensor:
    return torch.from_numpy(data.camera()[top : top + 90, 100:220].copy()).double()[None, None] / 255


def test_agrees_with_scipy_highpass() -> None:
    a, b = camera_highpass(0), camera_highpass(60)
    expected = [p[0, 0].numpy() - gaussian_filter(p[0, 0].numpy(), SIGMA, mode="nearest") for p in (a, b)]
    assert np.allclose(highpass(a)[0, 0].numpy(), expected[0], atol=1e-4)
    correlation = np.corrcoef(*(values.ravel() for values in expected))[0, 1]
    assert highpass_correlation(a, b).item() == pytest.approx(correlation, abs=1e-3)


def test_embossing_is_signed_and_ignores_ramps() -> None:
    image = camera_highpass(60)
    ramp = torch.linspace(0, 1, 90, dtype=torch.float64)[:, None].expand(90, 120)[None, None]
    assert highpass_correlation(0.2 * image + ramp, image).item() > 0.95
    assert highpass_correlation(ramp - 0.2 * image, image).item() < -0.95
    assert highpass_correlation(torch.full_like(image, 0.5), image).item() == 0
