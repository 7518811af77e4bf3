"""Guided and wavelet detail: any window equals that part of the whole, and both do what their formulas say."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from ir_transfer.nn.thermal import guided, haar_detail
from ir_transfer.nn.thermal.detail import Detail, averaged_coefficients
from ir_transfer.nn.thermal.detail_contrast import map_energy
from ir_transfer.nn.thermal.guided import GuidedDetail, GuidedMaps
from ir_transfer.nn.thermal.haar_detail import HaarDetail, HaarMaps
from ir_transfer.nn.thermal.local_contrast import luma_statistics, with_local_contrast
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.windows import Window, sample

KINDS = {"guided": GuidedDetail, "haar": HaarDetail}


def make(kind: str) -> Detail:
    torch.manual_seed(0)
    detail: Detail = KINDS[kind](8, 6, 3, 5)
    for parameter in detail.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return detail


def nothing(overview: Tensor) -> Tensor:
    """Return zeros at stride 4, (B, 1, h, w)."""
    return torch.zeros_like(luma_statistics(overview)[:, :1])


def maps_of(detail: Detail, levels: list[Tensor], overview: Tensor) -> Any:
    return detail.maps(levels[1], detail.thermal_map(levels[0]), overview, nothing(overview))


def levels(height: int, width: int, factor: int) -> list[Tensor]:
    """Return random levels of the neck of an image of this size that was reduced by a factor."""
    height, width = -(-height // factor), -(-width // factor)
    generator = torch.Generator().manual_seed(1)
    sizes = [(channels, -(-height // s), -(-width // s)) for channels, s in ((8, 4), (6, 8))]
    return [torch.randn(1, *size, generator=generator) for size in sizes]


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_lamps_have_neither_edges_nor_detail(kind: str) -> None:
    detail, image = make(kind), torch.rand(1, 3, 64, 96)
    maps = maps_of(detail, levels(64, 96, 1), image)
    whole, lamps = Window.whole(64, 96), torch.zeros(1, 1, 16, 24)
    lamps[..., 12:] = 1
    plain, dark = (detail.render(image, found, whole) for found in (maps, maps.without_lamps(lamps, maps.thermal)))
    torch.testing.assert_close(dark[..., 52:], sample(maps.thermal, whole, 4)[..., 52:])
    torch.testing.assert_close(dark[..., :40], plain[..., :40])
    assert (plain - dark)[..., 52:].abs().max() > 0.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("factor", "size"), [(1, (61, 83)), (2, (117, 90)), (4, (129, 150)), (8, (97, 203))])
@torch.inference_mode()
def test_windows_equal_the_whole(kind: str, factor: int, size: tuple[int, int]) -> None:
    detail, image = make(kind), torch.rand(1, 3, *size)
    maps = maps_of(detail, levels(*size, factor), overview_of(image, factor)).at(factor)
    whole = detail.render(image, maps, Window.whole(*size))
    assert whole.shape == (1, 1, *size)
    assert whole.std() > 0.1
    corner = 4 * factor
    tile = 3 * corner
    for top, left in product(range(0, size[0], tile), range(0, size[1], tile)):
        bottom, right = min(top + tile, size[0]), min(left + tile, size[1])
        window = Window(top, left, bottom - top, right - left, *size)
        part = detail.render(image[..., top:bottom, left:right], maps, window)
        torch.testing.assert_close(part, whole[..., top:bottom, left:right], atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_strips_equal_the_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    detail, image = make(kind), torch.rand(2, 3, 75, 41)
    maps = maps_of(detail, [level.expand(2, -1, -1, -1) for level in levels(75, 41, 2)], overview_of(image, 2)).at(2)
    whole = detail.render(image, maps, Window.whole(75, 41))
    for module in (guided, haar_detail):
        monkeypatch.setattr(module, "_STRIP_PIXELS", 41 * 2 * 17)
    torch.testing.assert_close(detail.render(image, maps, Window.whole(75, 41)), whole, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_guided_detail_is_its_formula() -> None:
    detail, image = make("guided"), torch.rand(1, 3, 24, 32)
    assert isinstance(detail, GuidedDetail)
    maps = maps_of(detail, levels(24, 32, 1), image)
    assert isinstance(maps, GuidedMaps)
    found = detail.render(image, maps, Window.whole(24, 32))
    whole = Window.whole(24, 32)
    y, x = 13, 22
    coefficients = sample(maps.detail, whole, 8)[0, :, y, x]
    mean, deviation = sample(maps.luma, whole, 4)[0, :, y, x]
    colours = image[0, :, y, x]
    local = (colours @ torch.tensor([0.299, 0.587, 0.114]) - mean) / deviation
    guides = detail.guide(torch.cat([2 * colours - 1, local[None]])[None, :, None, None])[0, :, 0, 0]
    fit = sample(maps.fit, whole, 4)[0, :, y, x]
    guides = guides - sample(maps.guides, whole, 4)[0, :, y, x]
    torch.testing.assert_close(found[0, 0, y, x], fit[:3] @ colours + fit[3] + coefficients @ guides)


@torch.inference_mode()
def test_detail_changes_no_areas_tone() -> None:
    """Where the coefficients do not vary, the detail's mean over 20 x 20 pixels is nearly 0."""
    detail = make("guided")
    image = torch.nn.functional.interpolate(torch.rand(1, 3, 64, 64), 128, mode="bicubic").clamp(0, 1)
    assert isinstance(detail, GuidedDetail)
    even = [level.mean((2, 3), keepdim=True).expand_as(level) for level in levels(128, 128, 1)]
    maps = maps_of(detail, even, image)
    whole = Window.whole(128, 128)
    plain = detail.render(image, maps.amplified(torch.zeros(1, 1, 1, 1)), whole)
    added = detail.render(image, maps, whole) - plain
    assert added.std() > 0.05
    assert torch.nn.functional.avg_pool2d(added, 20).abs().max() < 0.25 * added.std()


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_energy_is_that_of_the_rendered_detail(kind: str) -> None:
    detail = make(kind)
    image = torch.nn.functional.interpolate(torch.rand(1, 3, 64, 64), 256, mode="bicubic").clamp(0, 1)
    maps = maps_of(detail, levels(256, 256, 1), image)
    whole = Window.whole(256, 256)
    added = detail.render(image, maps, whole) - detail.render(image, maps.amplified(torch.zeros(1, 1, 1, 1)), whole)
    variance = float(map_energy(maps.fit, image, None)[0, 0])
    own = float(detail.detail_energy(maps, image).mean())
    plain = detail.render(image, maps.amplified(torch.zeros(1, 1, 1, 1)), whole)
    assert variance == pytest.approx(float(plain.var(correction=0)), rel=0.25)
    assert own == pytest.approx(float(added.square().mean()), rel=0.25)
    twice = detail.detail_energy(maps.amplified(torch.full((1, 1, 1, 1), 2.0)), image)
    torch.testing.assert_close(twice, 4 * detail.detail_energy(maps, image))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 64), (50, 61)])
@torch.inference_mode()
def test_energy_has_the_size_of_the_thermal_map(kind: str, size: tuple[int, int]) -> None:
    detail, image = make(kind), torch.rand(2, 3, *size)
    maps = maps_of(detail, [level.expand(2, -1, -1, -1) for level in levels(*size, 1)], image)
    assert detail.detail_energy(maps, image).shape == maps.thermal.shape


@torch.inference_mode()
def test_energy_of_the_map_counts_valid_positions_only() -> None:
    """Noise in the invalid half changes nothing; without weights it does."""
    image = torch.rand(1, 3, 64, 64)
    weights = torch.ones(1, 1, 64, 64)
    weights[..., 40:] = 0
    fit = torch.rand(1, 4, 16, 16)
    other = image.clone()
    other[..., 60:] = 0.5  # beyond the windows of local means
    torch.testing.assert_close(map_energy(fit, image, weights), map_energy(fit, other, weights))
    assert not torch.allclose(map_energy(fit, image, None), map_energy(fit, other, None))


def haar_maps(image: Tensor, gates: Tensor, offset: float = 0) -> HaarMaps:
    """Return maps of an image (1, 3, H, W) with a constant thermal map."""
    luma = luma_statistics(image)
    thermal = torch.full_like(luma[:, :1], offset)
    nothing = torch.zeros(1, 3, *luma.shape[2:])
    return HaarMaps(thermal, torch.cat([nothing, thermal], dim=1), gates, nothing, luma)


@torch.inference_mode()
def test_open_gates_give_the_bands_of_the_rgb_image_and_closed_ones_nothing() -> None:
    """With all gates 1, what is added is the projected RGB image less its local mean."""
    detail, image = make("haar"), torch.rand(1, 3, 32, 48)
    assert isinstance(detail, HaarDetail)
    whole, ones = Window.whole(32, 48), torch.ones(1, 18, 4, 6)
    guides = detail.guide(with_local_contrast(image, sample(luma_statistics(image), whole, 4)))
    expected = guides.sum(1, keepdim=True)
    torch.testing.assert_close(detail.render(image, haar_maps(image, ones), whole), expected, atol=1e-4, rtol=0)
    means = torch.rand(1, 3, 8, 12)
    found = detail.render(image, haar_maps(image, ones)._replace(guides=means), whole)
    smooth = sample(means, whole, 4).sum(1, keepdim=True)
    torch.testing.assert_close(found, expected - smooth, atol=1e-4, rtol=0)
    closed = detail.render(image, haar_maps(image, 0 * ones, 0.7), whole)
    torch.testing.assert_close(closed, torch.full((1, 1, 32, 48), 0.7))
    torch.testing.assert_close(detail.render(image, haar_maps(image, -ones), whole), -expected, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_each_band_has_its_own_gate() -> None:
    """A column pattern passes through the gate of LH alone, a row pattern through that of HL."""
    detail = make("haar")
    assert isinstance(detail, HaarDetail)
    stripes = torch.tensor([0.2, 0.8]).repeat(16).expand(1, 3, 32, 32)
    for pattern, band in ((stripes, 0), (stripes.mT, 1)):
        for gate in range(3):
            gates = torch.zeros(1, 18, 4, 4)
            gates[:, 3 * gate : 3 * gate + 3] = 1
            # The lowest band, which passes the mean of the gates, is that of an even image.
            maps = haar_maps(pattern, gates)
            even = detail.guide(with_local_contrast(pattern.mean((2, 3), keepdim=True), maps.luma[..., :1, :1]))
            maps = maps._replace(guides=even.expand(1, 3, 8, 8))
            made = detail.render(pattern.contiguous(), maps, Window.whole(32, 32))
            assert (made.std() > 1e-3) == (gate == band)


@pytest.mark.parametrize("kind", KINDS)
@torch.inference_mode()
def test_maps_and_images_stay_in_full_precision(kind: str) -> None:
    detail, image = make(kind), torch.rand(1, 3, 24, 32)
    exact = detail.render(image, maps_of(detail, levels(24, 32, 1), image), Window.whole(24, 32))
    with torch.autocast("cpu", torch.bfloat16):
        found = detail.render(image, maps_of(detail, levels(24, 32, 1), image), Window.whole(24, 32))
    assert torch.equal(found, exact)
    half = [level.bfloat16() for level in levels(24, 32, 1)]
    assert maps_of(detail, half, image).thermal.dtype == torch.float32
    double = make(kind).double()
    maps = maps_of(double, [level.double() for level in levels(24, 32, 1)], image.double())
    assert double.render(image.double(), maps, Window.whole(24, 32)).dtype == torch.float64


def test_coefficients_are_averaged_except_at_objects() -> None:
    coefficients = torch.full((1, 2, 9, 12), 0.5)
    coefficients[..., 4, 3] = -0.5  # one place of the other sign
    objects = torch.zeros(1, 1, 17, 24)
    torch.testing.assert_close(averaged_coefficients(coefficients, objects)[..., 4, 3], torch.full((1, 2), 0.46))
    objects[..., 8:10, 6:8] = 1
    torch.testing.assert_close(averaged_coefficients(coefficients, objects)[..., 4, 3], torch.full((1, 2), -0.5))
