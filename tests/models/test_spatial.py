from typing import Any

import pytest
import torch
from torch import Tensor

from ir_transfer import SpatialStyle, StyleCode, TranslationModel, create_model
from ir_transfer.errors import InputError
from ir_transfer.models.adain.paper import PaperAdaIN
from ir_transfer.models.capabilities import content_statistics_of
from ir_transfer.models.style_code import blend_codes
from tests.models.base_tester import image
from tests.models.small_thermal import small_thermal

MODELS: dict[str, dict[str, Any]] = {
    "adain": {},
    "adain-vgg19": {"size": "vgg19", "widths": (4, 8, 8), "depths": (1, 2, 1)},
    "wct2": {},
    "histogram": {},
}


def make(name: str) -> TranslationModel:
    if name in {"adain", "wct2"}:
        return small_thermal(name)
    torch.manual_seed(0)
    return create_model(name.partition("-")[0], weights=None if MODELS[name] else "default", **MODELS[name])


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> TranslationModel:
    return make(request.param)


@pytest.fixture
def codes(model: TranslationModel) -> list[StyleCode]:
    return [model.prepare([image(1, 1, 40, 60, seed=seed)], white_hot=True) for seed in (1, 2)]


def halves(height: int, width: int) -> list[Tensor]:
    left = (torch.arange(width) < width // 2).float().expand(1, 1, height, width)
    return [left, 1 - left]


@torch.inference_mode()
def test_full_mask_equals_the_plain_style(model: TranslationModel, codes: list[StyleCode]) -> None:
    content, ones = image(2, 3, 45, 52), torch.ones(1, 1, 45, 52)
    for index in range(2):
        masks = [ones * 3 * (number == index) for number in range(2)]
        torch.testing.assert_close(
            model(content, SpatialStyle(codes, masks)), model(content, codes[index]), atol=1e-5, rtol=0
        )


@torch.inference_mode()
def test_each_style_applies_only_in_its_mask(model: TranslationModel, codes: list[StyleCode]) -> None:
    content = image(1, 3, 40, 128)
    output = model(content, SpatialStyle(codes, halves(40, 128)))
    left, right = (model(content, code) for code in codes)
    margin = 24  # more than the receptive field of these decoders
    torch.testing.assert_close(output[..., : 64 - margin], left[..., : 64 - margin], atol=1e-4, rtol=0)
    torch.testing.assert_close(output[..., 64 + margin :], right[..., 64 + margin :], atol=1e-4, rtol=0)


@torch.inference_mode()
def test_overlapping_masks_are_normalised(model: TranslationModel, codes: list[StyleCode]) -> None:
    content, ones = image(1, 3, 33, 40), torch.ones(1, 1, 33, 40)
    mixed = model(content, SpatialStyle(codes, [3 * ones, ones]))
    outputs = [model.translate(content, code.tensors, 1.0, None) for code in codes]
    expected = (0.75 * outputs[0] + 0.25 * outputs[1]).clamp(0, 1)
    if isinstance(model, PaperAdaIN):  # blends features: what the interpolation of styles is
        expected = model(content, blend_codes(codes, [0.75, 0.25]))
    torch.testing.assert_close(mixed, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["adain", "wct2"])
@torch.inference_mode()
def test_each_mask_uses_the_polarity_of_its_style(name: str) -> None:
    model = make(name)
    exemplar = image(1, 1, 40, 60, seed=1)
    hot = [model.prepare([e], white_hot=white) for e, white in ((exemplar, True), (1 - exemplar, False))]
    content = image(1, 3, 32, 64)
    upright, output = model(content, hot[0]), model(content, SpatialStyle(hot, halves(32, 64)))
    torch.testing.assert_close(output[..., :32], upright[..., :32], atol=1e-5, rtol=0)
    torch.testing.assert_close(output[..., 32:], 1 - upright[..., 32:], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_tiles_with_image_statistics_equal_the_whole_image() -> None:
    model = make("adain-vgg19")
    codes = [model.prepare([image(1, 1, 40, 60, seed=seed)]) for seed in (1, 2)]
    content = image(1, 3, 48, 160)
    masks = [torch.rand(1, 1, 48, 160, generator=torch.Generator().manual_seed(0)), torch.full((1, 1, 48, 160), 0.5)]
    whole = model(content, SpatialStyle(codes, masks))
    statistics = content_statistics_of(model).content_statistics(content)
    left = model(content[..., :112], SpatialStyle(codes, [m[..., :112] for m in masks]), statistics=statistics)
    torch.testing.assert_close(left[..., :80], whole[..., :80], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_masks_are_resized_on_request(model: TranslationModel, codes: list[StyleCode]) -> None:
    content = image(1, 3, 32, 64)
    with pytest.raises(InputError, match=r"size \(32, 64\), got \(16, 32\): .*resize=True"):
        model(content, SpatialStyle(codes, halves(16, 32)))
    output = model(content, SpatialStyle(codes, halves(16, 32), resize=True))
    torch.testing.assert_close(output[..., :8], model(content, SpatialStyle(codes, halves(32, 64)))[..., :8])


def test_rejects_mismatched_masks_and_styles(model: TranslationModel, codes: list[StyleCode]) -> None:
    ones = torch.ones(1, 1, 32, 32)
    with pytest.raises(InputError, match="one mask per style, got 1 masks for 2"):
        SpatialStyle(codes, [ones])
    with pytest.raises(InputError, match="one mask per style"):
        SpatialStyle([], [])
    with pytest.raises(InputError, match="mask 2 as float"):
        SpatialStyle(codes, [ones, ones.long()])
    with pytest.raises(InputError, match=r"one size, got \(16, 32\) for mask 2"):
        SpatialStyle(codes, [ones, ones[..., :16, :]])
    for bad in (-ones, ones * torch.nan, ones * torch.inf):
        with pytest.raises(InputError, match="values >= 0 in mask 2"):
            SpatialStyle(codes, [ones, bad])
    with pytest.raises(InputError, match="styles of one model"):
        SpatialStyle([codes[0], StyleCode("other", {})], [ones, ones])
    content = image(1, 3, 32, 32)
    holed = ones.clone()
    holed[..., 3, 5:7] = 0
    with pytest.raises(InputError, match=r"none at 2 pixels \(first: row 3, column 5\)"):
        model(content, SpatialStyle(codes, [holed, ones * 0]))
    with pytest.raises(InputError, match="got both"):
        model(content, SpatialStyle(codes, [ones, ones]), masks=ones.long())
    foreign = StyleCode(model.info.name, codes[0].tensors, {"weights_hash": "0123"})
    with pytest.raises(InputError, match="prepare it again"):
        model(content, SpatialStyle([codes[0], foreign], [ones, ones]))
