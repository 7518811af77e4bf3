"""Fidelity metrics against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import normalized_mutual_information, peak_signal_noise_ratio, structural_similarity

from ir_transfer.metrics.fidelity import BINS, WEIGHTS, ms_ssim, normalised_mutual_information, psnr, ssim


def test_agrees_with_scikit_image() -> None:
    a, b = torch.rand(2, 3, 1, 40, 30, generator=torch.Generator().manual_seed(0))
    expected = [peak_signal_noise_ratio(t.numpy(), o.numpy(), data_range=1) for o, t in zip(a, b, strict=True)]
    assert psnr(a, b).tolist() == pytest.approx(expected, abs=1e-4)


def test_is_infinite_for_equal_images() -> None:
    assert psnr(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)).item() == float("inf")


def test_agrees_with_scikit_image_ssim() -> None:
    truth = torch.from_numpy(data.camera()[100:200, 150:260].copy()).float() / 255
    output = (truth + 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    expected = structural_similarity(
        truth.numpy(), output.numpy(), data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(output[None, None], truth[None, None]).item() == pytest.approx(expected, abs=1e-4)


def images(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.from_numpy(data.camera()[100 : 100 + side, 100 : 110 + side].copy()).double() / 255
    noise = 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0)).double()
    return (truth + noise).clamp(0, 1)[None, None], truth[None, None]


def maps(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    def mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(x, 1.5, truncate=3.5))[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    contrast = (2 * (mean(a * b) - ma * mb) + 9e-4) / (mean(a * a) - ma**2 + mean(b * b) - mb**2 + 9e-4)
    return (2 * ma * mb + 1e-4) / (ma**2 + mb**2 + 1e-4), contrast


def test_agrees_with_the_definition() -> None:
    output, truth = images(180)
    a, b = output[0, 0].numpy(), truth[0, 0].numpy()
    expected = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast = maps(a, b)
        expected *= float((luminance * contrast if scale == 4 else contrast).mean()) ** weight
        height, width = a.shape[0] // 2 * 2, a.shape[1] // 2 * 2
        a, b = (x[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) for x in (a, b))
    assert ms_ssim(output, truth).item() == pytest.approx(expected, abs=5e-5)


def test_single_scale_equals_ssim() -> None:
    output, truth = images(20)
    options = {"data_range": 1, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(output[0, 0].numpy(), truth[0, 0].numpy(), **options)
    assert ms_ssim(output, truth).item() == pytest.approx(expected, abs=5e-5)


def test_is_1_for_equal_images_and_0_for_a_negative() -> None:
    _, truth = images(60)
    assert ms_ssim(truth, truth).item() == pytest.approx(1)
    assert ms_ssim(1 - truth, truth).item() == 0


def test_agrees_with_scikit_image_mutual_information() -> None:
    both = torch.from_numpy(data.camera()[:100, 100:300].copy()).double() / 255
    a, b = both[:, :100].contiguous(), both[:, 100:].contiguous()
    for image in (a, b):  # its bins span what occurs, ours the whole range
        image[0, 0], image[0, 1] = 0, 1
    expected = normalized_mutual_information(a.numpy(), b.numpy(), bins=BINS)
    assert normalised_mutual_information(a[None, None], b[None, None]).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("other", [0.5, 1.0])
def test_flat_image_has_no_mutual_information(other: float) -> None:
    image = torch.rand(1, 1, 30, 30)
    flat = torch.full_like(image, other)
    assert normalised_mutual_information(flat, image).item() == pytest.approx(1)
    assert normalised_mutual_information(flat, flat).item() == 1


def test_ignores_polarity() -> None:
    levels = torch.randint(0, BINS, (1, 1, 40, 40)).double()
    image = (levels + 0.5) / BINS
    assert normalised_mutual_information(1 - image, image).item() == pytest.approx(2)
