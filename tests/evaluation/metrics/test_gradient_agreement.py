"""Agreement of gradients against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel
from skimage import data
from torch import Tensor

from ir_transfer.evaluation.metrics.gradient_agreement import TOLERANCE, gradient_agreement


def camera(top: int, left: int = 100) -> Tensor:
    return torch.from_numpy(data.camera()[top : top + 90, left : left + 120].copy()).double()[None, None] / 255


def by_scipy(a: Tensor, b: Tensor) -> float:
    fields = [np.stack([sobel(p[0, 0].numpy(), axis, mode="nearest") for axis in (0, 1)]) for p in (a, b)]
    t, (height, width) = TOLERANCE, fields[0].shape[1:]
    inner = fields[0][:, t : height - t, t : width - t].ravel()
    found = []
    for dy in range(-t, t + 1):
        for dx in range(-t, t + 1):
            moved = fields[1][:, t + dy : height - t + dy, t + dx : width - t + dx].ravel()
            found.append(float(inner @ moved / (np.linalg.norm(inner) * np.linalg.norm(moved))))
    return max(found)


def test_agrees_with_scipy() -> None:
    assert gradient_agreement(camera(60), camera(75)).item() == pytest.approx(
        by_scipy(camera(60), camera(75)), abs=1e-6
    )


def test_the_sign_counts_and_the_tone_does_not() -> None:
    picture = camera(60)
    assert gradient_agreement(0.3 + 0.2 * picture, picture).item() == pytest.approx(1)
    assert gradient_agreement(1 - picture, picture).item() < 0.2
    assert gradient_agreement(torch.full_like(picture, 0.5), picture).item() == 0


@pytest.mark.parametrize(("by", "same"), [((1, -2), True), ((2, 2), True), ((0, 4), False)])
def test_shifts_of_two_pixels_are_forgiven(by: tuple[int, int], same: bool) -> None:
    found = gradient_agreement(camera(60 + by[0], 100 + by[1]), camera(60)).item()
    assert (found > 0.99) == same
