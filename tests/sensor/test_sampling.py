"""Sampling keeps the size and position of the image."""

from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.sensor.model import Sampling
from ir_transfer.sensor.optics import Grid, enlarge, fit, shrink


@pytest.mark.parametrize(
    ("sampling", "size", "rows", "columns"),
    [
        (None, (50, 70), 50, 70),
        (Sampling(640, 512), (512, 640), 512, 640),
        (Sampling(640, 512), (1080, 1920), 360, 640),
        (Sampling(160, 120), (1920, 1080), 120, 68),
        (Sampling(640, 512), (100, 90), 100, 90),
        (Sampling(160, 120, 2.0), (480, 640), 120, 80),
        (Sampling(160, 120), (1, 400), 1, 160),
    ],
)
def test_grid_sizes(sampling: Sampling | None, size: tuple[int, int], rows: int, columns: int) -> None:
    assert fit(sampling, *size) == Grid(rows, columns, size[0] / rows, size[1] / columns)


@pytest.mark.parametrize("size", [(64, 80), (61, 77), (97, 50)])
def test_resampling_keeps_symmetry_and_size(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0).random(size, dtype=np.float32)
    image = random + random[::-1] + random[:, ::-1] + random[::-1, ::-1]
    grid = fit(Sampling(23, 19), *size)
    back = enlarge(shrink(image, grid), *size)
    assert back.shape == size
    assert back == pytest.approx(back[::-1], abs=1e-5)
    assert back == pytest.approx(back[:, ::-1], abs=1e-5)


def test_resampling_introduces_no_subpixel_shift() -> None:
    y, x = np.mgrid[0:120, 0:160].astype(np.float32)
    spot = np.exp(-((y - 50.3) ** 2 + (x - 91.7) ** 2) / (2 * 12.0**2)).astype(np.float32)
    grid = fit(Sampling(37, 29), 120, 160)
    back = enlarge(shrink(spot, grid), 120, 160)
    centre = [(back * axis).sum() / back.sum() for axis in (y, x)]
    assert centre == pytest.approx([(spot * axis).sum() / spot.sum() for axis in (y, x)], abs=0.02)


def test_sensor_pixel_is_the_mean_over_its_area() -> None:
    image = np.random.default_rng(1).random((6, 9), dtype=np.float32)
    seen = shrink(image, Grid(4, 6, 1.5, 1.5))
    area = image[0, 0] + image[0, 1] / 2 + image[1, 0] / 2 + image[1, 1] / 4
    assert seen[0, 0] == pytest.approx(area / 2.25, abs=1e-6)
    assert seen.mean() == pytest.approx(image.mean(), abs=1e-6)


def test_enlarging_does_not_overshoot() -> None:
    seen = (np.indices((9, 9)).sum(0) % 2).astype(np.float32)
    back = enlarge(seen, 40, 50)
    assert back.min() >= 0
    assert back.max() <= 1
