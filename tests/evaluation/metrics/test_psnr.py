"""PSNR against scikit-image."""

from __future__ import annotations

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from ir_transfer.evaluation.metrics.psnr import psnr


def test_agrees_with_scikit_image() -> None:
    a, b = torch.rand(2, 3, 1, 40, 30, generator=torch.Generator().manual_seed(0))
    expected = [peak_signal_noise_ratio(t.numpy(), o.numpy(), data_range=1) for o, t in zip(a, b, strict=True)]
    assert psnr(a, b).tolist() == pytest.approx(expected, abs=1e-4)


def test_of_equal_pictures_is_infinite() -> None:
    assert psnr(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)).item() == float("inf")
