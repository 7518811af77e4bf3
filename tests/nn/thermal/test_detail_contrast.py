"""The contrast of detail: of images of known spectra, and the gain that gives it to an image."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.nn.thermal.detail_contrast import coarser, detail_contrast, detail_gain, finer, local_gain
from ir_transfer.nn.thermal.local_contrast import NOISE


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
    energy = torch.tensor([[0.5, 0.004, 0.05]])
    gain = float(detail_gain(energy, torch.tensor([[contrast]])))
    variance, of_map, own = energy[0].tolist()
    share = (of_map + gain**2 * own) / (variance + gain**2 * own)
    assert share == pytest.approx(contrast**2, rel=0.02)


def test_gain_is_bounded() -> None:
    """A map of more detail than wanted leaves a little of the detail; one without detail does not divide by 0."""
    wanted = torch.tensor([[0.3]])
    assert 0 < float(detail_gain(torch.tensor([[1.0, 0.5, 0.1]]), wanted)) < 0.3
    assert float(detail_gain(torch.tensor([[1.0, 0.0, 0.0]]), wanted)) == 3


def test_a_flat_map_has_a_finite_gradient() -> None:
    energy = torch.zeros(1, 3, requires_grad=True)
    detail_gain(energy, torch.tensor([[0.3]])).sum().backward()  # type: ignore[no-untyped-call]
    assert energy.grad is not None
    assert energy.grad.isfinite().all()


def luma_of(deviation: Tensor, mean: float = 0.4) -> Tensor:
    """Return statistics (1, 2, h, w) as those of an image of that deviation, of which the upper third is smooth."""
    deviation = deviation.clone()
    deviation[..., : deviation.shape[-2] // 3, :] = 0
    return torch.cat([torch.full_like(deviation, mean), (deviation.square() + NOISE**2).sqrt()], dim=1)


def test_detail_becomes_as_strong_as_the_contrast_of_the_rgb_image() -> None:
    """A network that is ten times as sure on the left draws both halves alike."""
    energy = torch.full((1, 1, 36, 40), 0.01)
    energy[..., 20:] /= 100
    gain = local_gain(energy, luma_of(torch.full((1, 1, 36, 40), 0.1)))
    strength = energy.sqrt() * gain
    assert float(strength[..., 24, 5]) == pytest.approx(float(strength[..., 24, 35]), rel=0.05)
    rougher = local_gain(energy, luma_of(torch.full((1, 1, 36, 40), 0.3)))
    assert float(rougher[0, 0, 24, 5] / gain[0, 0, 24, 5]) == pytest.approx(3**0.4, rel=0.05)


def test_faint_contrast_counts_little_and_lamps_with_the_power() -> None:
    energy = torch.full((1, 1, 9, 8), 0.01)
    wall, faint, fainter, lamp = (
        float(local_gain(energy, luma_of(torch.full((1, 1, 9, 8), deviation), mean))[..., 3:, :].mean())
        for deviation, mean in ((0.05, 0.4), (0.006, 0.4), (0.003, 0.4), (0.4, 0.1))
    )
    assert 0 < faint < 0.2 * wall
    assert fainter < 0.35 * faint  # a quarter of the variance
    assert lamp < 4 * wall  # 26 times as much contrast
    assert float(local_gain(torch.zeros(1, 1, 9, 8), luma_of(torch.zeros(1, 1, 9, 8))).max()) == 0


def test_the_grain_of_a_night_sky_counts_little() -> None:
    """Its deviation is the image's noise level, whatever it is; what stands out from it remains as it is."""
    energy = torch.full((1, 1, 30, 40), 0.01)
    deviation = torch.full((1, 1, 30, 40), 0.08)
    deviation[..., :15, :] = 0.02
    gain = local_gain(energy, torch.cat([torch.full_like(deviation, 0.2), deviation], dim=1))
    clean = local_gain(energy, luma_of(torch.full((1, 1, 30, 40), 0.08), 0.2))
    before = local_gain(energy, luma_of(deviation, 0.2))  # of an image with a clean third
    assert float(gain[0, 0, 12, 20]) < 0.55 * float(before[0, 0, 12, 20])
    assert float(gain[0, 0, 25, 20]) == pytest.approx(float(clean[0, 0, 25, 20]), rel=0.05)


def test_a_gain_at_half_the_resolution_is_the_mean() -> None:
    gain = torch.arange(15.0).reshape(1, 1, 3, 5)
    torch.testing.assert_close(coarser(gain)[0, 0], torch.tensor([[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]]))


def test_values_at_twice_the_resolution_are_between_those_of_its_cells() -> None:
    found = finer(torch.tensor([[[[0.0, 4.0], [8.0, 12.0]]]]), torch.zeros(1, 2, 3, 4))
    assert found[0, 0].tolist() == [[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10]]


def test_the_weak_contrast_of_objects_is_no_noise() -> None:
    energy, deviation = torch.full((1, 1, 36, 40), 0.01), torch.full((1, 1, 36, 40), 0.025)
    deviation[..., 12:, :] = 0.08
    luma, objects = torch.cat([torch.full_like(deviation, 0.2), deviation], dim=1), torch.zeros(1, 1, 36, 40)
    objects[..., :20] = 1
    plain, kept = local_gain(energy, luma), local_gain(energy, luma, objects=objects)
    assert float(plain[..., :8, :].max()) < 1e-3
    assert float(kept[..., :8, :16].min()) > 0.5
    torch.testing.assert_close(kept[..., 24:], plain[..., 24:])
    mostly = local_gain(energy, luma, objects=0.8 * objects)[..., :8, :16]
    assert 0.1 < float(mostly.min()) <= float(mostly.max()) < float(kept[..., :8, :16].min())
