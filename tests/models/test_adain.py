from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_transfer import SpatialStyle, create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.adain.model import AdaIN
from ir_transfer.models.capabilities import content_statistics_of
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from tests.models.small_thermal import SMALL_THERMAL, scene, small_thermal


@pytest.fixture(scope="module")
def model() -> AdaIN:
    made = small_thermal("adain")
    assert isinstance(made, AdaIN)
    return made


@torch.inference_mode()
def test_every_level_gets_the_statistics_of_the_exemplar_features(model: AdaIN) -> None:
    exemplar = scene(60, 80, 1, channels=1)
    style = model.encode(exemplar, torch.tensor([True]))
    encoded = model.exemplar_encoder(standardised(exemplar))
    for level, width in enumerate(model.neck.widths):
        features = 5 * torch.randn(1, width, 20, 30) + 3
        found = model.align(level, features, model.measure(features), style)
        torch.testing.assert_close(found.mean((2, 3)), encoded[level].mean((2, 3)), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(found.std((2, 3)), encoded[level].std((2, 3)), atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_neck_is_aligned_level_by_level(model: AdaIN) -> None:
    """Changing the deviations of any level changes the map."""
    content, style = scene(96, 128), model.encode(scene(60, 80, 1, channels=1), torch.tensor([True]))
    plain = model.survey(content, 1, style).maps.thermal
    for level, width in enumerate(model.neck.widths):
        place = f"level{level}.std"
        moved = {**style, place: style[place] * torch.linspace(0.5, 2, width)}
        assert (model.survey(content, 1, moved).maps.thermal - plain).abs().mean() > 0.01


def test_given_polarity_is_stored_with_the_style(model: AdaIN) -> None:
    white, black = (model.prepare([scene(40, 60, 1, channels=1)], white_hot=known) for known in (True, False))
    assert white.tensors["polarity"].item() == 1
    assert black.tensors["polarity"].item() == -1


def test_style_of_other_weights_is_rejected(model: AdaIN) -> None:
    foreign = StyleCode("adain", model.prepare([torch.rand(1, 1, 40, 60)]).tensors, {"weights_hash": "0123"})
    with pytest.raises(InputError, match="prepare it again"):
        model(torch.rand(1, 3, 32, 32), foreign)


@torch.inference_mode()
def test_tone_of_a_black_hot_style_is_inverted(model: AdaIN) -> None:
    content, exemplar = torch.rand(1, 3, 32, 48), torch.rand(1, 1, 40, 60)
    white = model(content, model.prepare([exemplar], white_hot=True), keep_tone=True)
    black = model(content, model.prepare([1 - exemplar], white_hot=False), keep_tone=True)
    torch.testing.assert_close(black, 1 - white, atol=1e-5, rtol=0)
    ones = torch.ones(1, 1, 32, 48)
    both = SpatialStyle([model.prepare([exemplar], white_hot=white_hot) for white_hot in (True, False)], [ones, ones])
    with pytest.raises(InputError, match="one polarity"):
        model(content, both, keep_tone=True)
    with pytest.raises(InputError, match="whole image"):
        style = model.prepare([exemplar])
        model(content, style, statistics=model.image_statistics(content, style.tensors), keep_tone=True)


@pytest.mark.parametrize("alignment", ["coral", "histogram"])
@torch.inference_mode()
def test_alignment_changes_the_result_but_not_the_weights(model: AdaIN, alignment: str) -> None:
    other = small_thermal("adain")
    other.configure({"alignment": alignment})
    content, exemplar = scene(64, 80), scene(60, 80, 1, channels=1)
    outputs = [made(content, made.prepare([exemplar])) for made in (model, other)]
    assert (outputs[0] - outputs[1]).abs().mean() > 1e-4
    with pytest.raises(InputError, match="another alignment: prepare it again"):
        other(content, model.prepare([exemplar]))


def test_paper_size_shares_its_encoder_and_transfers_only_at_relu4_1() -> None:
    paper = create_model("adain", weights=None, size="vgg19", widths=(4, 8, 8, 16), depths=(2, 2, 4, 1))
    style = paper.prepare([torch.rand(1, 1, 48, 48)])
    assert set(style.tensors) == {"level4.mean", "level4.std"}
    assert style.tensors["level4.mean"].shape == (1, 16)
    assert paper(torch.rand(1, 3, 50, 70), style).shape == (1, 1, 50, 70)


@torch.inference_mode()
def test_paper_size_tiles_with_image_statistics_equal_the_whole_image() -> None:
    torch.manual_seed(0)
    paper = create_model("adain", weights=None, size="vgg19", widths=(4, 8, 8), depths=(1, 2, 1))
    content, style = torch.rand(1, 3, 64, 192), paper.prepare([torch.rand(1, 1, 40, 60)])
    statistics, whole = content_statistics_of(paper).content_statistics(content), paper(content, style)
    left = paper(content[..., :128], style, statistics=statistics)[..., :96]
    right = paper(content[..., 64:], style, statistics=statistics)[..., 32:]
    torch.testing.assert_close(torch.cat([left, right], dim=-1), whole, atol=1e-5, rtol=0)


def test_size_is_read_from_the_file(tmp_path: Path) -> None:
    for size in ({"size": "vgg19", "widths": (4, 8), "depths": (1, 1)}, SMALL_THERMAL):
        path = tmp_path / "weights.safetensors"
        made = create_model("adain", weights=None, **size)
        made.save(path)
        assert type(create_model("adain", weights=path)) is type(made)
    with pytest.raises(WeightsError, match="size='compact' as stored"):
        create_model("adain", weights=path, size="vgg19")
    with pytest.raises(InputError, match="compact, vgg19"):
        create_model("adain", weights=None, size="huge")
