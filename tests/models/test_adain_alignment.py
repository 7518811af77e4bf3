from typing import Any

import pytest
import torch
from torch import Tensor

from ir_transfer import SpatialStyle, TranslationModel, create_model
from ir_transfer.errors import InputError
from ir_transfer.models.adain.alignment import ByHistogram, Coral, ExemplarStatistics
from ir_transfer.models.capabilities import content_statistics_of
from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import channel_moments, covariance_moments
from tests.models.base_tester import image
from tests.models.small_thermal import SMALL_THERMAL

SIZES: dict[str, dict[str, Any]] = {
    "compact": {"size": "compact", **SMALL_THERMAL},
    "vgg19": {"size": "vgg19", "widths": (4, 8, 8), "depths": (1, 2, 1)},
}


def features(*shape: int, seed: int, mixed: bool = True) -> Tensor:
    """Return normal features with correlated channels."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(shape, generator=generator, dtype=torch.float64)
    mixing = torch.randn(shape[1], shape[1], generator=generator, dtype=torch.float64)
    return torch.einsum("oc,bchw->bohw", mixing, noise) + 3 if mixed else noise


def aligned(alignment: Coral | ByHistogram, content: Tensor, exemplar: Tensor, strength: float = 1.0) -> Tensor:
    asked = channel_moments(exemplar)
    return alignment.align(
        content,
        alignment.statistics(content),
        ExemplarStatistics(asked.mean, asked.std(), alignment.encode(exemplar)),
        strength,
    )


def test_coral_matches_the_full_covariance() -> None:
    content, exemplar = features(2, 5, 30, 30, seed=0), features(2, 5, 25, 20, seed=1)
    found, asked = (covariance_moments(f) for f in (aligned(Coral(0.0), content, exemplar), exemplar))
    torch.testing.assert_close(found.mean, asked.mean, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(found.covariance(), asked.covariance(), atol=1e-3, rtol=1e-3)
    by_channel = covariance_moments(
        adain(content, channel_moments(content), asked.mean, channel_moments(exemplar).std())
    )
    assert (by_channel.covariance() - asked.covariance()).abs().max() > 0.1


def test_coral_with_full_shrinkage_equals_adain() -> None:
    content, exemplar = features(1, 5, 30, 30, seed=0), features(1, 5, 25, 20, seed=1)
    asked = channel_moments(exemplar)
    expected = adain(content, channel_moments(content), asked.mean, asked.std(), 0.7)
    torch.testing.assert_close(aligned(Coral(1.0), content, exemplar, 0.7), expected, atol=1e-6, rtol=1e-6)


def test_histogram_gives_every_channel_the_exemplar_values() -> None:
    content, exemplar = features(2, 3, 16, 16, seed=0), features(2, 3, 16, 16, seed=1, mixed=False) ** 3
    found = aligned(ByHistogram(), content, exemplar)
    torch.testing.assert_close(found.flatten(2).sort().values, exemplar.flatten(2).sort().values, atol=1e-5, rtol=1e-5)
    assert torch.equal(found.flatten(2).argsort(), content.flatten(2).argsort())


@pytest.mark.parametrize("alignment", [Coral(), ByHistogram()], ids=["coral", "histogram"])
def test_features_of_the_same_image_are_unchanged(alignment: Coral | ByHistogram) -> None:
    content = features(1, 4, 16, 16, seed=0)
    torch.testing.assert_close(aligned(alignment, content, content), content, atol=1e-4, rtol=1e-4)


@pytest.fixture(params=[(size, how) for size in SIZES for how in ("coral", "histogram")], ids="-".join)
def model(request: pytest.FixtureRequest) -> TranslationModel:
    torch.manual_seed(0)
    size, alignment = request.param
    return create_model("adain", weights=None, alignment=alignment, **SIZES[size])


@torch.inference_mode()
def test_differs_from_adain_only_at_full_strength(model: TranslationModel) -> None:
    torch.manual_seed(0)
    plain = create_model("adain", weights=None, **{**model.hyper_parameters, "alignment": "moments"})
    plain.load_state_dict(model.state_dict())
    content, exemplar = image(1, 3, 45, 60), image(1, 1, 40, 60, seed=3)
    style = model.prepare([exemplar], white_hot=True)
    assert torch.allclose(model(content, style, 0.0), plain(content, style, 0.0), atol=1e-6)
    assert (model(content, style) - plain(content, style)).abs().max() > 1e-4
    with pytest.raises(InputError, match="prepare it again, from an image"):
        model(content, plain.prepare([exemplar]))


@torch.inference_mode()
def test_full_image_mask_equals_the_unmasked_style(model: TranslationModel) -> None:
    content = image(1, 3, 32, 48)
    codes = [model.prepare([image(1, 1, 40, 60, seed=seed)], white_hot=True) for seed in (1, 2)]
    ones = torch.ones(1, 1, 32, 48)
    masked = model(content, SpatialStyle(codes, [ones, 0 * ones]))
    torch.testing.assert_close(masked, model(content, codes[0]), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_tiles_equal_the_whole_image_or_are_rejected(model: TranslationModel) -> None:
    content, style = image(1, 3, 48, 160), model.prepare([image(1, 1, 40, 60, seed=1)])
    if model.info.tiling == "overview":
        with pytest.raises(InputError, match="global content statistics"):
            content_statistics_of(model)
        return
    if model.info.tiling == "none":
        with pytest.raises(InputError, match="requires all of it"):
            content_statistics_of(model).content_statistics(content)
        return
    statistics = content_statistics_of(model).content_statistics(content)
    left = model(content[..., :112], style, statistics=statistics)
    torch.testing.assert_close(left[..., :80], model(content, style)[..., :80], atol=1e-4, rtol=0)


@pytest.mark.parametrize("alignment", ["coral", "histogram"])
@torch.inference_mode()
def test_bundled_weights_load(alignment: str) -> None:
    model = create_model("adain", alignment=alignment)
    content, exemplar = image(1, 3, 40, 56), image(1, 1, 64, 64, seed=1)
    upright, inverted = (
        model(content, model.prepare([e], white_hot=w)) for e, w in ((exemplar, True), (1 - exemplar, False))
    )
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-4, rtol=0)
    assert upright.std() > 0.01


def test_unknown_alignment_is_rejected() -> None:
    with pytest.raises(InputError, match="alignment to be one of moments, coral, histogram, got 'gram'"):
        create_model("adain", weights=None, alignment="gram")
