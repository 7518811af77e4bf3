"""SSIM against scikit-image with the paper's window."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from skimage.metrics import structural_similarity

from ir_transfer.evaluation.metrics.ssim import ssim


def test_agrees_with_scikit_image() -> None:
    truth = torch.from_numpy(data.camera()[100:200, 150:260].copy()).float() / 255
    output = (truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    expected = structural_similarity(
        truth.numpy(), output.numpy(), data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(output[None, None], truth[None, None]).item() == pytest.approx(expected, abs=1e-4)
