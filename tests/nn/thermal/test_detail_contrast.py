"""The contrast of detail: of images of known spectra, and the gain that gives it to an image."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.thermal.detail_contrast import detail_contrast, detail_gain


def noise(seed: int, cell: int = 1) -> Tensor:
    """Return noise (1, 1, 320, 320) of deviation 1 in cells of so many pixels."""
    generator = torch.Generator().manual_seed(seed)
    values = F.interpolate(torch.randn(1, 1, 320 // cell, 320 // cell, generator=generator), scale_factor=cell)
    return values / values.std()


def test_contrast_is_the_share_of_the_deviation() -> None:
    """Pixel noise is all detail, areas of 80 pixels have nearly none, and shares add as variances do."""
    fine, coarse = noise(0), noise(1, 80)
    assert float(detail_contrast(fine)) == pytest.approx(1, abs=0.03)
    smooth = float(detail_contrast(coarse))
    assert smooth < 0.35
    mixed = coarse + 0.5 * fine
    assert float(detail_contrast(mixed)) == pytest.approx(((smooth**2 + 0.25) / 1.25) ** 0.5, rel=0.05)


def test_contrast_does_not_depend_on_gain_offset_or_size() -> None:
    image = F.interpolate(torch.rand(1, 1, 40, 40), 320, mode="bicubic") + noise(1, 40)
    image = F.interpolate(F.avg_pool2d(image, 8), 320, mode="bicubic")
    found = detail_contrast(image)
    assert found > 0.1
    torch.testing.assert_close(detail_contrast(0.1 * image + 0.4), found)
    larger = F.interpolate(image, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(detail_contrast(larger), found, rtol=0.05, atol=0)


def test_flat_images_have_no_detail() -> None:
    assert float(detail_contrast(torch.full((1, 1, 64, 64), 0.4))) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("contrast", [0.2, 0.33, 0.6])
def test_gain_gives_the_wanted_contrast(contrast: float) -> None:
    """(of_map + gain^2 own) / (variance + gain^2 own) is the square of the wanted contrast."""
    energy = torch.tensor([[0.5, 0.004, 0.01]])
    gain = float(detail_gain(energy, torch.tensor([[contrast]])))
    variance, of_map, own = energy[0].tolist()
    share = (of_map + gain**2 * own) / (variance + gain**2 * own)
    assert share == pytest.approx(contrast**2, rel=0.02)


def test_gain_is_bounded() -> None:
    """A map of more detail than wanted leaves a little of the detail; one without detail does not divide by 0."""
    wanted = torch.tensor([[0.3]])
    assert 0 < float(detail_gain(torch.tensor([[1.0, 0.5, 0.1]]), wanted)) < 0.3
    assert float(detail_gain(torch.tensor([[1.0, 0.0, 0.0]]), wanted)) == 6


def test_a_flat_map_has_a_finite_gradient() -> None:
    energy = torch.zeros(1, 3, requires_grad=True)
    detail_gain(energy, torch.tensor([[0.3]])).sum().backward()  # type: ignore[no-untyped-call]
    assert energy.grad is not None
    assert energy.grad.isfinite().all()
