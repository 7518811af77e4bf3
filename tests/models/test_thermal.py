"""What compact systems share: canonical space, tone and polarity by construction, overview and windows."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.models import thermal
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import CONTRAST, ThermalModel
from ir_transfer.nn.moments import Moments
from ir_transfer.nn.thermal.detail_contrast import detail_contrast
from ir_transfer.nn.thermal.guided import GuidedDetail
from ir_transfer.nn.thermal.haar_detail import HaarDetail
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.tone import tone_of
from ir_transfer.nn.thermal.windows import Window, sample
from tests.models.small_thermal import scene, small_thermal

NAMES = ("adain", "wct2", "style_swap", "msgnet", "adjustable")


@pytest.fixture(params=NAMES, scope="module")
def model(request: pytest.FixtureRequest) -> ThermalModel:
    return small_thermal(request.param)


def _detail_head(model: ThermalModel) -> nn.Conv2d:
    if isinstance(model.detail, HaarDetail):
        return model.detail.to_gates
    assert isinstance(model.detail, GuidedDetail)
    return model.detail.to_detail


def style_of(model: ThermalModel, seed: int = 1, white_hot: bool = True) -> StyleCode:
    exemplar = scene(60, 80, seed, channels=1)
    return model.prepare([exemplar if white_hot else 1 - exemplar], white_hot=white_hot)


@torch.inference_mode()
def test_a_black_hot_exemplar_gives_exactly_the_inverse(model: ThermalModel) -> None:
    content = scene(70, 90)
    white, black = (model(content, style_of(model, white_hot=w)) for w in (True, False))
    torch.testing.assert_close(black, 1 - white, atol=3e-4, rtol=0)
    assert white.std() > 0.05


@torch.inference_mode()
def test_the_result_has_the_exemplars_tone(model: ThermalModel) -> None:
    content, exemplar = scene(120, 160), 0.2 + 0.5 * scene(90, 110, 3, channels=1)
    found = tone_of(model.translate(content, model.prepare([exemplar]).tensors, 1.0, None))
    wanted = tone_of(exemplar)
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(found.deviation, wanted.deviation, atol=0.02, rtol=0)
    torch.testing.assert_close(found.quantiles[:, 2:-2], wanted.quantiles[:, 2:-2], atol=0.05, rtol=0)


@torch.inference_mode()
def test_the_result_has_the_contrast_of_the_exemplars_detail(model: ThermalModel) -> None:
    """A finer exemplar of the same tone gives finer detail: the contrast is that of each, within a third."""
    generator = torch.Generator().manual_seed(4)
    areas = F.interpolate(torch.rand(1, 1, 6, 8, generator=generator), (240, 320), mode="bicubic")
    content = (areas + 0.1 * torch.randn(1, 3, 240, 320, generator=generator)).clamp(0, 1)
    ramp = scene(320, 400, 3, channels=1)
    head = _detail_head(model)
    weight = head.weight.clone()
    found = []
    head.weight.mul_(5)  # no gain reaches its limit
    for amount in (0.08, 0.16):
        grain = F.interpolate(torch.randn(1, 1, 160, 200, generator=generator), (320, 400), mode="bilinear")
        style = model.prepare([(0.25 + 0.5 * ramp + amount * grain).clamp(0, 1)], white_hot=True).tensors
        found.append(float(detail_contrast(model.translate(content, style, 1.0, None)) / style[CONTRAST]))
    head.weight.copy_(weight)
    assert found == pytest.approx([1, 1], rel=0.3)


@torch.inference_mode()
def test_gain_and_offset_of_an_exemplar_change_the_tone_alone(model: ThermalModel) -> None:
    content, exemplar = scene(64, 80), scene(60, 80, 1, channels=1)
    one = model.translate(content, model.prepare([exemplar]).tensors, 1.0, None)
    other = model.translate(content, model.prepare([0.3 + 0.4 * exemplar]).tensors, 1.0, None)
    torch.testing.assert_close(other, 0.3 + 0.4 * one, atol=2e-3, rtol=0)


@torch.inference_mode()
def test_the_exemplar_decides_more_than_the_tone(model: ThermalModel) -> None:
    content, style, other = scene(64, 80), style_of(model), style_of(model, seed=2)
    toned = {**other.tensors, **{key: value for key, value in style.tensors.items() if key.startswith("tone.")}}
    one, two = (model.translate(content, tensors, 1.0, None) for tensors in (style.tensors, toned))
    assert (one - two).abs().mean() > 1e-3


@torch.inference_mode()
def test_strength_blends_with_the_photographs_luma(model: ThermalModel) -> None:
    content = scene(48, 64)
    luma = rgb_to_grayscale(content)
    for white_hot in (True, False):
        style = style_of(model, white_hot=white_hot).tensors
        none, half, full = (model.translate(content, style, share, None) for share in (0.0, 0.5, 1.0))
        torch.testing.assert_close(none, luma if white_hot else 1 - luma)
        torch.testing.assert_close(half, 0.5 * (none + full), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_statistics_of_another_image_are_used(model: ThermalModel) -> None:
    content, style = scene(64, 80), style_of(model)
    own = model.image_statistics(content, style.tensors)
    assert {*own.places} == {*(f"level{level}" for level in range(4)), "detail.energy", "tone.quantiles", "tone.values"}
    # The encoder's image has 128 x 160 pixels, the strides are 4, 8, 16 and 32.
    assert [own[f"level{level}"].count for level in range(4)] == [32 * 40, 16 * 20, 8 * 10, 4 * 5]
    plain = model(content, style)
    torch.testing.assert_close(model(content, style, statistics=own), plain, atol=1e-4, rtol=0)
    others = model.image_statistics(0.5 * scene(64, 80, 5), style.tensors)
    assert (model(content, style, statistics=others) - plain).abs().mean() > 1e-3


@torch.inference_mode()
def test_mixed_statistics_have_the_tone_of_both_images(model: ThermalModel) -> None:
    style = style_of(model).tensors
    one, two = (model.image_statistics(scene(64, 80, seed), style) for seed in (0, 5))
    mixed = one.mixed(two, 0.25)
    for place in ("tone.quantiles", "tone.values"):
        torch.testing.assert_close(mixed[place].mean, 0.75 * one[place].mean + 0.25 * two[place].mean)
    again = one.mixed(one, 0.5)["tone.values"]
    torch.testing.assert_close(again.scatter / again.count, one["tone.values"].scatter / one["tone.values"].count)


@pytest.mark.parametrize("size", [(97, 130), (150, 203), (64, 300)])
@pytest.mark.parametrize("pixels", [500_000, 4_000, 900])
@torch.inference_mode()
def test_windows_equal_the_whole(
    model: ThermalModel, size: tuple[int, int], pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (thermal, __import__(type(model).__module__, fromlist=["OVERVIEW_PIXELS"])):
        monkeypatch.setattr(module, "OVERVIEW_PIXELS", pixels, raising=False)
    factor = model.overview_factor(*size)
    assert (factor > 1) == (size[0] * size[1] > pixels)
    content, style = scene(*size), style_of(model).tensors
    whole = model.translate(content, style, 1.0, None)
    assert whole.std() > 0.05
    survey = model.survey(overview_of(content, factor), factor, style)
    tile = 4 * factor * 3
    for top, left in product(range(0, size[0], tile), range(0, size[1], tile)):
        bottom, right = min(top + tile, size[0]), min(left + tile, size[1])
        window = Window(top, left, bottom - top, right - left, *size)
        part = model.translate_window(content[..., top:bottom, left:right], survey, window, style, 1.0)
        torch.testing.assert_close(part, whole[..., top:bottom, left:right], atol=5e-4, rtol=0)


@pytest.mark.parametrize(
    ("name", "factors"),
    [("adain", {(512, 512): 1, (707, 707): 1, (3000, 4000): 5, (10_000, 10_000): 15}),
     ("wct2", {(512, 512): 1, (707, 707): 1, (710, 710): 2, (3000, 4000): 8, (10_000, 10_000): 16})],
)  # fmt: skip
def test_the_least_factor_that_leaves_half_a_million_pixels(name: str, factors: dict[tuple[int, int], int]) -> None:
    model = small_thermal(name)
    assert {size: model.overview_factor(*size) for size in factors} == factors
    for (height, width), factor in factors.items():
        assert height * width / factor**2 <= 500_000


def test_an_overview_has_the_mean_of_every_cell() -> None:
    image = torch.rand(1, 3, 7, 10)
    found = overview_of(image, 4)
    assert found.shape == (1, 3, 2, 3)
    torch.testing.assert_close(found[..., 0, 0], image[..., :4, :4].mean((2, 3)))
    torch.testing.assert_close(found[..., 1, 2], image[..., 4:, 8:].mean((2, 3)))
    assert overview_of(image, 1) is image


@torch.inference_mode()
def test_invalid_pixels_count_in_no_statistics(model: ThermalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    style, content, weights = style_of(model).tensors, scene(96, 160), torch.ones(1, 1, 96, 160)
    weights[..., 70:] = 0
    seen: dict[int, Tensor] = {}
    align = model.align

    def remember(level: int, features: Tensor, moments: Moments, style: Mapping[str, Tensor]) -> Tensor:
        seen[level] = features
        return align(level, features, moments, style)

    monkeypatch.setattr(model, "align", remember)
    found = model.survey(content, 1, style, weights=weights)
    everything = model.survey(content, 1, style)
    for level, features in seen.items():
        seen_last = everything.statistics[f"level{level}"]
        torch.testing.assert_close(seen_last.mean, model.measure(features).mean)
    model.survey(content, 1, style, weights=weights)
    for level, features in seen.items():
        shares = F.adaptive_avg_pool2d(weights, (features.shape[-2], features.shape[-1]))
        mean = (features * shares).sum((2, 3)) / shares.sum()
        torch.testing.assert_close(found.statistics[f"level{level}"].mean, mean, atol=1e-4, rtol=1e-4)
        assert found.statistics[f"level{level}"].count == pytest.approx(shares.sum().item())
    assert found.canonical is not None
    torch.testing.assert_close(found.tone.mean, found.canonical[..., :70].mean()[None, None])
    assert not torch.allclose(found.tone.quantiles, everything.tone.quantiles, atol=1e-2)


@torch.inference_mode()
def test_each_image_of_a_batch_has_its_own_tone(model: ThermalModel) -> None:
    batch, style = torch.cat([scene(48, 64), 0.3 * scene(48, 64, 4)]), style_of(model)
    together = model(batch, style)
    singly = torch.cat([model(one[None], style) for one in batch])
    torch.testing.assert_close(together, singly, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_double_precision_tones_to_double_precision(model: ThermalModel) -> None:
    double, content = copy.deepcopy(model).double(), scene(48, 64).double()
    exemplar = scene(60, 80, 1, channels=1).double()
    white = double.translate(content, double.encode(exemplar, torch.tensor([True])), 1.0, None)
    black = double.translate(content, double.encode(1 - exemplar, torch.tensor([False])), 1.0, None)
    assert white.dtype == torch.float64
    torch.testing.assert_close(black, 1 - white, atol=1e-10, rtol=0)


def test_the_whole_image_decides_about_each_of_its_parts(model: ThermalModel) -> None:
    """A change far away reaches a pixel, through the neck's statistics and the encoder's context."""
    content, style = scene(64, 256), style_of(model).tensors
    other = content.clone()
    other[..., 200:] = 1 - other[..., 200:]
    with torch.inference_mode():
        one, two = (_canonical(model, image, style) for image in (content, other))
    assert (one - two)[..., :32].abs().max() > 1e-3


@pytest.mark.parametrize("name", ["adain", "wct2"])
@torch.inference_mode()
def test_the_map_behind_a_lamp_is_filled_if_the_model_does_so(name: str) -> None:
    model, image = copy.deepcopy(small_thermal(name)), 0.3 + 0.2 * scene(128, 160)
    for values in model.encoder.classify.parameters():
        values.zero_()  # no class explains the white
    image[..., 40:64, 60:84] = 1
    found = []
    for fills in (False, True):
        model.fills_hidden = fills
        maps, _ = model.maps(image, model.encoder(image), style_of(model).tensors)
        found.append(maps.thermal[0, 0])
    kept, filled = found
    assert filled[10:16, 15:21].std() < 0.5 * kept[10:16, 15:21].std()
    changed = (kept != filled).nonzero()
    assert changed.amin(0).tolist() == [7, 12], "three cells around it"
    assert changed.amax(0).tolist() == [18, 23]


@pytest.mark.parametrize("name", ["adain", "wct2"])
@torch.inference_mode()
def test_a_small_lamp_leaves_no_speck_if_the_model_removes_lamps(name: str) -> None:
    model, image = copy.deepcopy(small_thermal(name)), 0.1 + 0.1 * scene(128, 160)
    for values in model.encoder.classify.parameters():
        values.zero_()  # nobody is there
    image[..., 52:64, 72:84] = 1
    specks = []
    for fills in (False, True):
        model.fills_hidden = fills
        survey = model.survey(image, 1, style_of(model).tensors)
        assert survey.canonical is not None
        speck = survey.canonical - sample(survey.maps.thermal, Window.whole(128, 160), 4)
        specks.append(float(speck[..., 53:59, 77:83].abs().max()))
    assert specks[0] > 0.1
    assert specks[1] < 0.01 * specks[0]


def _canonical(model: ThermalModel, image: Tensor, style: Mapping[str, Tensor]) -> Tensor:
    found = model.survey(image, 1, style).canonical
    assert found is not None
    return found
