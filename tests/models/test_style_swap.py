from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import blend_codes, parts_of

SMALL: dict[str, Any] = {"widths": (4, 8, 8, 8), "depths": (1, 1, 1, 1), "picture_depths": (1, 1, 1), "code": 6}
PAPER: dict[str, Any] = {"size": "vgg19", "widths": (4, 8, 8)}


@pytest.fixture
def model() -> TranslationModel:
    torch.manual_seed(0)
    return create_model("style_swap", weights=None, **SMALL)


@pytest.fixture
def paper() -> TranslationModel:
    torch.manual_seed(0)
    return create_model("style_swap", weights=None, **PAPER)


def test_ships_less_than_a_million_parameters() -> None:
    model = create_model("style_swap", weights=None)
    assert sum(p.numel() for p in model.parameters()) <= 1_000_000


def test_inverted_exemplar_gives_exactly_the_inverted_picture(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 48, 64), torch.rand(1, 1, 40, 60)
    upright = model(content, model.prepare([exemplar], white_hot=True))
    inverted = model(content, model.prepare([1 - exemplar], white_hot=False))
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-5, rtol=0)


def test_gain_and_offset_of_the_exemplar_become_those_of_the_picture(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 32, 32), torch.rand(1, 1, 64, 64)
    model.train()  # no clamp
    picture = model(content, model.prepare([exemplar], white_hot=True))
    darker = model(content, model.prepare([0.5 * exemplar + 0.1], white_hot=True))
    torch.testing.assert_close(darker, 0.5 * picture + 0.1, atol=3e-3, rtol=0)


def test_strength_moves_monotonically_from_the_photograph(model: TranslationModel) -> None:
    content, style = torch.rand(1, 3, 32, 32), model.prepare([torch.rand(1, 1, 40, 60)])
    model.train()
    zero = model(content, style, 0.0)
    distances = [(model(content, style, s) - zero).abs().mean().item() for s in (0.0, 0.3, 0.6, 1.0)]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_at_strength_0_the_exemplar_has_no_say_beyond_its_polarity(model: TranslationModel) -> None:
    content = torch.rand(1, 3, 32, 32)
    styles = [model.prepare([torch.rand(1, 1, 40, 60)], white_hot=True) for _ in range(2)]
    assert torch.equal(*(model(content, style, 0.0) for style in styles))


def test_paper_size_at_strength_0_is_the_inverse_of_its_own_features(paper: TranslationModel) -> None:
    content = torch.rand(1, 3, 32, 40)
    assert isinstance(paper.decoder, nn.Module)
    assert isinstance(paper.encoder, nn.Module)
    expected = paper.decoder(paper.encoder(content)).clamp(0, 1)
    torch.testing.assert_close(paper(content, paper.prepare([torch.rand(1, 1, 40, 60)]), 0.0), expected)


def test_paper_size_swapped_with_itself_reconstructs(paper: TranslationModel) -> None:
    gray = torch.rand(1, 1, 32, 40)
    style = paper.prepare([gray])
    content = gray.expand(-1, 3, -1, -1)
    torch.testing.assert_close(paper(content, style, 1.0), paper(content, style, 0.0), atol=1e-4, rtol=0)


def test_two_exemplars_give_the_mean_of_their_swaps(paper: TranslationModel) -> None:
    content, exemplars = torch.rand(1, 3, 32, 32), [torch.rand(1, 1, 32, 48), torch.rand(1, 1, 24, 24)]
    seen: list[torch.Tensor] = []
    assert isinstance(paper.decoder, nn.Module)
    paper.decoder.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0][-1]))
    for exemplar in exemplars:
        paper(content, paper.prepare([exemplar]))
    paper(content, paper.prepare(exemplars, weights=[1, 3]))
    torch.testing.assert_close(seen[2], 0.25 * seen[0] + 0.75 * seen[1])


def test_blended_codes_keep_every_exemplar_apart(model: TranslationModel) -> None:
    codes = [model.prepare([torch.rand(1, 1, side, 40)], white_hot=True) for side in (32, 48, 64)]
    pair = blend_codes(codes[:2], [1, 1])
    blend = blend_codes([pair, codes[2], codes[0]], [2, 2, 0])
    parts = parts_of(blend.tensors)
    assert [part["code"].shape[2] for part, _ in parts] == [8, 12, 16]
    assert [share.item() for _, share in parts] == [0.25, 0.25, 0.5]
    expected = sum(w * code.tensors["tone.mean"] for w, code in zip((0.25, 0.25, 0.5), codes, strict=True))
    torch.testing.assert_close(blend.tensors["tone.mean"], expected)


def test_gradient_passes_the_swap_to_the_photographs_encoder(model: TranslationModel) -> None:
    model.train()
    content, exemplars = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 40, 48)
    model.translate(content, model.encode(exemplars, torch.tensor([True, False])), 1.0, None).sum().backward()  # type: ignore[no-untyped-call]
    deepest = [p for name, p in model.named_parameters() if name.startswith("encoder.levels.3")]
    assert all(p.grad is not None and p.grad.any() for p in deepest)


def test_commitment_counts_once_and_in_training_alone(model: TranslationModel) -> None:
    content, exemplars = torch.rand(2, 3, 32, 32), torch.rand(2, 1, 40, 48)
    style = model.encode(exemplars, torch.tensor([True, False]))
    model.translate(content, style, 1.0, None)
    assert model.auxiliary_loss() is None, "evaluation"
    model.train().translate(content, style, 1.0, None)
    commitment = model.auxiliary_loss()
    assert commitment is not None
    assert commitment > 0
    assert model.auxiliary_loss() is None


@pytest.mark.parametrize("arguments", [SMALL, PAPER], ids=["compact", "vgg19"])
def test_refuses_an_exemplar_smaller_than_the_patch(arguments: dict[str, Any]) -> None:
    model = create_model("style_swap", weights=None, **arguments, patch=7)
    with pytest.raises(InputError, match="at least 7x7 features, the swap's patch, got 5x10"):
        model.prepare([torch.rand(1, 1, 20, 40)])


@pytest.mark.parametrize("size", [(256, 300), (300, 256)])
def test_a_large_exemplar_is_shrunk(model: TranslationModel, size: tuple[int, int]) -> None:
    code = model.prepare([torch.rand(1, 1, *size)]).tensors["part0.code"]
    assert sorted(code.shape[2:]) == [32, 38]


def test_paper_size_takes_a_published_encoder_and_keeps_it(tmp_path: Path) -> None:
    convs = [nn.Conv2d(3, 3, 1), *(nn.Conv2d(a, b, 3) for a, b in ((3, 4), (4, 4), (4, 8), (8, 8), (8, 8)))]
    torch.save(nn.Sequential(*convs).state_dict(), tmp_path / "vgg.pth")
    model = create_model("style_swap", weights=None, encoder_weights=tmp_path / "vgg.pth", **PAPER)
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {"encoder"}
    torch.testing.assert_close(frozen["encoder.levels.2.0.conv.weight"], convs[-1].weight)
    with pytest.raises(WeightsError, match="known layouts of style_swap"):
        create_model("style_swap", weights=None, encoder_weights=tmp_path / "vgg.pth", size="vgg19")


def test_refuses_a_decoder_that_nobody_published(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the inverse network is not published"):
        create_model("style_swap", weights=tmp_path / "decoder.pth", encoder_weights="torchvision")


def test_unknown_size_is_refused() -> None:
    with pytest.raises(InputError, match="compact, vgg19"):
        create_model("style_swap", weights=None, size="huge")


def test_a_file_knows_its_size(paper: TranslationModel, tmp_path: Path) -> None:
    paper.save(tmp_path / "weights.safetensors")
    assert create_model("style_swap", weights=tmp_path / "weights.safetensors").hyper_parameters["size"] == "vgg19"
    with pytest.raises(WeightsError, match="expected size='vgg19'"):
        create_model("style_swap", weights=tmp_path / "weights.safetensors", size="compact")


def test_patch_and_stride_may_be_others_than_those_of_the_training(model: TranslationModel, tmp_path: Path) -> None:
    model.save(tmp_path / "weights.safetensors")
    content, exemplar = torch.rand(1, 3, 40, 32), torch.rand(1, 1, 40, 40)
    options: list[dict[str, Any]] = [{}, {"patch": 5}, {"stride": 3}]
    models = [create_model("style_swap", weights=tmp_path / "weights.safetensors", **option) for option in options]
    pictures = [other(content, other.prepare([exemplar])) for other in models]
    assert len({picture.mean().item() for picture in pictures}) == 3
