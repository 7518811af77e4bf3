from typing import Any

import pytest
import torch

from ir_transfer import SpatialStyle, create_model
from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.rows import with_rows

SMALL: dict[str, Any] = {"widths": (4, 8, 8), "depths": (1, 2, 1)}


@pytest.fixture
def model() -> TranslationModel:
    torch.manual_seed(0)
    return create_model("adain", weights=None, **SMALL)


def test_inverted_exemplar_gives_exactly_the_inverted_picture(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 48, 64), torch.rand(1, 1, 40, 60)
    # eval mode clamps, which commutes with inversion
    upright = model(content, model.prepare([exemplar], white_hot=True))
    inverted = model(content, model.prepare([1 - exemplar], white_hot=False))
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-5, rtol=0)


def test_known_polarity_overrules_the_score(model: TranslationModel) -> None:
    exemplar = torch.rand(1, 1, 40, 60)
    white, black = (model.prepare([exemplar], white_hot=known) for known in (True, False))
    assert white.tensors["polarity"].item() == 1
    assert black.tensors["polarity"].item() == -1


def test_tiles_with_the_pictures_statistics_equal_the_whole(model: TranslationModel) -> None:
    content, style = torch.rand(1, 3, 64, 192), model.prepare([torch.rand(1, 1, 40, 60)])
    # Tiles that share no border effect: the encoder's statistics are those of the whole picture here.
    whole_statistics = model.content_statistics(content)
    whole = model(content, style)
    margin = 32  # more than the receptive field of this small network
    left = model(content[..., : 96 + margin], style, statistics=whole_statistics)[..., :96]
    right = model(content[..., 96 - margin :], style, statistics=whole_statistics)[..., margin:]
    torch.testing.assert_close(torch.cat([left, right], dim=-1), whole, atol=1e-5, rtol=0)


def test_stacked_tiles_bring_their_rows(model: TranslationModel) -> None:
    content, style = with_rows(torch.rand(1, 3, 192, 64)), model.prepare([torch.rand(1, 1, 40, 60)])
    statistics = model.content_statistics(content)
    whole, margin = model(content[:, :3], style), 32
    upper = model(content[..., : 96 + margin, :], style, statistics=statistics)[..., :96, :]
    lower = model(content[..., 96 - margin :, :], style, statistics=statistics)[..., margin:, :]
    torch.testing.assert_close(torch.cat([upper, lower], dim=-2), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(48, 64), (37, 51)])
def test_the_pictures_own_statistics_are_the_default(model: TranslationModel, size: tuple[int, int]) -> None:
    content, style = torch.rand(1, 3, *size), model.prepare([torch.rand(1, 1, 40, 60)])
    given = model(content, style, statistics=model.content_statistics(content))
    torch.testing.assert_close(model(content, style), given, atol=1e-6, rtol=0)


def test_statistics_of_tiles_add_up(model: TranslationModel) -> None:
    torch.manual_seed(1)
    tile = torch.rand(1, 3, 32, 32)
    twice = Statistics.total([model.content_statistics(tile), model.content_statistics(tile)])
    once = model.content_statistics(tile)
    for place in once.places:
        torch.testing.assert_close(twice[place].mean, once[place].mean)
        torch.testing.assert_close(
            twice[place].scatter / twice[place].count, once[place].scatter / once[place].count, atol=1e-6, rtol=1e-4
        )


def test_strength_moves_monotonically_from_the_photograph(model: TranslationModel) -> None:
    content, style = torch.rand(1, 3, 32, 32), model.prepare([torch.rand(1, 1, 40, 60)])
    model.train()  # no clamp
    zero = model(content, style, 0.0)
    distances = [(model(content, style, s) - zero).abs().mean().item() for s in (0.0, 0.3, 0.6, 1.0)]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_style_of_other_weights_is_refused(model: TranslationModel) -> None:
    style = model.prepare([torch.rand(1, 1, 40, 60)])
    foreign = StyleCode("adain", style.tensors, {"weights_hash": "0123"})
    with pytest.raises(InputError, match="prepare it again"):
        model(torch.rand(1, 3, 32, 32), foreign)


def test_paper_size_shares_its_encoder_and_transfers_at_relu4_1_alone() -> None:
    model = create_model("adain", weights=None, size="vgg19", widths=(4, 8, 8, 16), depths=(2, 2, 4, 1))
    style = model.prepare([torch.rand(1, 1, 48, 48)])
    assert set(style.tensors) == {"level4.mean", "level4.std"}
    assert style.tensors["level4.mean"].shape == (1, 16)
    assert model(torch.rand(1, 3, 50, 70), style).shape == (1, 1, 50, 70)


def test_unknown_size_is_refused() -> None:
    with pytest.raises(InputError, match="compact, vgg19"):
        create_model("adain", weights=None, size="huge")


@torch.inference_mode()
def test_the_tone_of_a_black_hot_style_is_turned_round(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 32, 48), torch.rand(1, 1, 40, 60)
    white = model(content, model.prepare([exemplar], white_hot=True), keep_tone=True)
    black = model(content, model.prepare([1 - exemplar], white_hot=False), keep_tone=True)
    torch.testing.assert_close(black, 1 - white, atol=1e-5, rtol=0)
    ones = torch.ones(1, 1, 32, 48)
    both = SpatialStyle([model.prepare([exemplar], white_hot=white_hot) for white_hot in (True, False)], [ones, ones])
    with pytest.raises(InputError, match="one polarity"):
        model(content, both, keep_tone=True)
    with pytest.raises(InputError, match="whole picture"):
        style, statistics = model.prepare([exemplar]), model.content_statistics(content)
        model(content, style, statistics=statistics, keep_tone=True)
