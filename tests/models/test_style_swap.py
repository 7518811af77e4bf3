from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import blend_codes, parts_of
from ir_transfer.models.style_swap.model import SWAP_LEVEL, StyleSwap
from ir_transfer.nn.moments import channel_moments, standardised_by
from ir_transfer.nn.patch_swap import swap_patches
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from tests.models.small_thermal import SMALL_THERMAL, scene, small_thermal

COMPACT: dict[str, Any] = {**SMALL_THERMAL}
PAPER: dict[str, Any] = {"size": "vgg19", "widths": (4, 8, 8)}


@pytest.fixture
def model() -> StyleSwap:
    made = small_thermal("style_swap")
    assert isinstance(made, StyleSwap)
    return made


@pytest.fixture
def paper() -> TranslationModel:
    torch.manual_seed(0)
    return create_model("style_swap", weights=None, **PAPER)


def normal(features: Tensor) -> Tensor:
    """Return features with mean 0 and deviation 1 per channel, by the definition."""
    return (features - features.mean((2, 3), keepdim=True)) / features.std((2, 3), keepdim=True)


# -- compact ------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def test_aligned_features_blend_swapped_patches_with_exemplar_statistics(model: StyleSwap) -> None:
    exemplar, features = scene(60, 80, 1, channels=1), 3 * torch.randn(1, 8, 14, 18) + 2
    style = model.prepare([exemplar], white_hot=True).tensors
    theirs = model.exemplar_encoder(standardised(exemplar))[SWAP_LEVEL]
    own = normal(features)
    share = 0.5 + 0.5 / (1 + (-model.gate).exp())
    mixed = own + share[:, None, None] * (swap_patches(own, normal(theirs)) - own)
    expected = mixed * theirs.std((2, 3), keepdim=True) + theirs.mean((2, 3), keepdim=True)
    found = model.align(SWAP_LEVEL, features, model.measure(features), style)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)


@torch.inference_mode()
def test_other_levels_get_only_the_statistics(model: StyleSwap) -> None:
    exemplar = scene(60, 80, 1, channels=1)
    style = model.prepare([exemplar], white_hot=True).tensors
    for level in (0, 2, 3):
        features = 3 * torch.randn(1, model.neck.widths[level], 14, 18) + 2
        theirs = model.exemplar_encoder(standardised(exemplar))[level]
        found = model.align(level, features, model.measure(features), style)
        expected = normal(features) * theirs.std((2, 3), keepdim=True) + theirs.mean((2, 3), keepdim=True)
        torch.testing.assert_close(found, expected, atol=0.02, rtol=0.02)


@torch.inference_mode()
def test_full_share_uses_only_exemplar_patches(model: StyleSwap) -> None:
    exemplar = scene(96, 128, 1, channels=1)
    style = model.prepare([exemplar], white_hot=True).tensors
    model.gate.fill_(100.0)
    torch.testing.assert_close(model.share, torch.ones(8))
    theirs = model.exemplar_encoder(standardised(exemplar))[SWAP_LEVEL]
    # A part of the exemplar's own features, at another gain, is made of its very patches.
    part = 5 * theirs[..., 2:9, 3:12] - 1
    moments = channel_moments(5 * theirs - 1)
    torch.testing.assert_close(model.align(SWAP_LEVEL, part, moments, style), theirs[..., 2:9, 3:12], atol=2e-2, rtol=0)
    # Anything else is made of them too: no value lies beyond theirs.
    found = model.align(SWAP_LEVEL, torch.randn(1, 8, 14, 18), channel_moments(torch.randn(1, 8, 14, 18)), style)
    margin = 0.02
    assert (found.amax((2, 3)) <= theirs.amax((2, 3)) + margin).all()
    assert (found.amin((2, 3)) >= theirs.amin((2, 3)) - margin).all()


def test_swapped_share_is_at_least_half(model: StyleSwap) -> None:
    model.gate.data.fill_(-50.0)
    torch.testing.assert_close(model.share, torch.full((8,), 0.5))


@torch.inference_mode()
def test_initialised_from_adain_it_has_its_weights_and_a_similar_result() -> None:
    adain, model = small_thermal("adain"), small_thermal("style_swap", seed=1)
    model.adopt(adain)
    own, theirs = model.state_dict(), adain.state_dict()
    assert own.keys() - theirs.keys() == {"gate"}
    assert all(torch.equal(own[name], tensor) for name, tensor in theirs.items())
    content, exemplar = scene(96, 128), scene(60, 80, 1, channels=1)
    one, other = (m(content, m.prepare([exemplar], white_hot=True)).flatten() for m in (adain, model))
    assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.4  # at random weights
    assert not torch.allclose(one, other, atol=1e-3)


def test_blended_styles_keep_exemplars_separate(model: StyleSwap) -> None:
    codes = [model.prepare([scene(60, side, side, channels=1)], white_hot=True) for side in (60, 80, 100)]
    pair = blend_codes(codes[:2], [1, 1])
    blend = blend_codes([pair, codes[2], codes[0]], [2, 2, 0])
    parts = parts_of(blend.tensors)
    assert [part["features"].shape[3] for part, _ in parts] == [16, 22, 27]
    assert [share.item() for _, share in parts] == [0.25, 0.25, 0.5]
    features = torch.randn(1, 8, 14, 18)
    own = standardised_by(features, channel_moments(features))
    with torch.inference_mode():
        swaps = [swap_patches(own, part["features"]) for part, _ in parts]
        swapped = 0.25 * swaps[0] + 0.25 * swaps[1] + 0.5 * swaps[2]
        mixed = own + model.share[:, None, None] * (swapped - own)
        mean, std = (blend.tensors[f"level{SWAP_LEVEL}.{name}"][..., None, None] for name in ("mean", "std"))
        found = model.align(SWAP_LEVEL, features, model.measure(features), blend.tensors)
    torch.testing.assert_close(found, mixed * std + mean, atol=1e-4, rtol=1e-4)


def test_gradient_passes_through_the_swap_to_image_exemplar_and_gate(model: StyleSwap) -> None:
    model.train()
    content, exemplars = scene(64, 64).expand(2, -1, -1, -1), torch.rand(2, 1, 40, 48)
    style = model.encode(exemplars, torch.tensor([True, False]))
    features = torch.randn(2, 8, 8, 8, requires_grad=True)
    # What enters is standardised, so a plain sum has no gradient.
    weights = torch.randn(2, 8, 8, 8)
    place = f"level{SWAP_LEVEL}"
    whole = {**style, f"{place}.mean": style[f"{place}.mean"].detach(), f"{place}.std": torch.ones(2, 8)}
    (model.align(SWAP_LEVEL, features, model.measure(features), whole) * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert features.grad is not None
    own = features.detach().clone().requires_grad_()
    (normal(own) * weights).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(features.grad, own.grad, atol=1e-2, rtol=1e-2)
    assert model.gate.grad is not None
    assert model.gate.grad.all()
    model.zero_grad()
    model.translate(content, model.encode(exemplars, torch.tensor([True, False])), 1.0, None).square().sum().backward()  # type: ignore[no-untyped-call]
    learned = {name: p.grad for name, p in model.named_parameters()}
    assert [name for name, grad in learned.items() if grad is None or not grad.any()] == []


def test_commitment_loss_is_the_swap_distance_in_training_only(model: StyleSwap) -> None:
    exemplar, features = scene(60, 80, 1, channels=1), torch.randn(1, 8, 14, 18)
    style = model.prepare([exemplar], white_hot=True).tensors
    model.align(SWAP_LEVEL, features, model.measure(features), style)
    assert model.auxiliary_loss() is None, "evaluation"
    model.train().align(SWAP_LEVEL, features, model.measure(features), style)
    own = standardised_by(features, channel_moments(features))
    expected = 0.25 * (own - swap_patches(own, style["part0.features"])).square().mean()
    commitment = model.auxiliary_loss()
    assert commitment is not None
    torch.testing.assert_close(commitment, expected)
    assert model.auxiliary_loss() is None


@pytest.mark.parametrize("size", [(256, 300), (300, 256), (40, 47)])
def test_stored_exemplar_features_are_bounded(model: StyleSwap, size: tuple[int, int]) -> None:
    features = model.prepare([torch.rand(1, 1, *size)]).tensors["part0.features"]
    assert sorted(features.shape[2:]) == [16, 19]
    model.configure({"short_side": "64"})
    assert min(model.prepare([torch.rand(1, 1, *size)]).tensors["part0.features"].shape[2:]) == 8


def test_even_patch_size_is_rejected() -> None:
    with pytest.raises(InputError, match="odd patch, got 4"):
        create_model("style_swap", weights=None, **COMPACT, patch=4)


# -- both sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "short_side"), [(COMPACT, 32), (PAPER, 20)], ids=["compact", "vgg19"])
def test_rejects_an_exemplar_smaller_than_the_patch(arguments: dict[str, Any], short_side: int) -> None:
    model = create_model("style_swap", weights=None, **arguments, patch=7, short_side=short_side)
    with pytest.raises(InputError, match=r"at least 7x7 features, the swap's patch, got [45]x"):
        model.prepare([torch.rand(1, 1, 20, 40)])


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "vgg19"])
def test_patch_and_stride_of_the_file_can_be_overridden(arguments: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    create_model("style_swap", weights=None, **arguments).save(tmp_path / "weights.safetensors")
    content, exemplar = scene(72, 64), scene(60, 80, 1, channels=1)
    options: list[dict[str, Any]] = [{}, {"patch": 5}, {"stride": 3}]
    models = [create_model("style_swap", weights=tmp_path / "weights.safetensors", **option) for option in options]
    with torch.inference_mode():
        images = [other(content, other.prepare([exemplar])) for other in models]
    assert not torch.allclose(images[0], images[1], atol=1e-5)
    assert not torch.allclose(images[0], images[2], atol=1e-5)


def test_unknown_size_is_rejected() -> None:
    with pytest.raises(InputError, match="compact, vgg19"):
        create_model("style_swap", weights=None, size="huge")


# -- the paper's size ---------------------------------------------------------------------------------------------


def test_paper_size_at_strength_0_decodes_its_own_features(paper: TranslationModel) -> None:
    content = torch.rand(1, 3, 32, 40)
    assert isinstance(paper.decoder, nn.Module)
    assert isinstance(paper.encoder, nn.Module)
    expected = paper.decoder(paper.encoder(content)).clamp(0, 1)
    torch.testing.assert_close(paper(content, paper.prepare([torch.rand(1, 1, 40, 60)]), 0.0), expected)


def test_paper_size_swapped_with_itself_reconstructs_the_image(paper: TranslationModel) -> None:
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


def test_paper_size_accepts_a_published_encoder_and_keeps_it(tmp_path: Path) -> None:
    convs = [nn.Conv2d(3, 3, 1), *(nn.Conv2d(a, b, 3) for a, b in ((3, 4), (4, 4), (4, 8), (8, 8), (8, 8)))]
    torch.save(nn.Sequential(*convs).state_dict(), tmp_path / "vgg.pth")
    model = create_model("style_swap", weights=None, encoder_weights=tmp_path / "vgg.pth", **PAPER)
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {"encoder"}
    torch.testing.assert_close(frozen["encoder.levels.2.0.conv.weight"], convs[-1].weight)
    with pytest.raises(WeightsError, match="known layouts of style_swap"):
        create_model("style_swap", weights=None, encoder_weights=tmp_path / "vgg.pth", size="vgg19")


def test_rejects_an_unpublished_decoder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the inverse network is not published"):
        create_model("style_swap", weights=tmp_path / "decoder.pth", encoder_weights="torchvision")


def test_size_is_read_from_the_file(paper: TranslationModel, tmp_path: Path) -> None:
    paper.save(tmp_path / "weights.safetensors")
    assert create_model("style_swap", weights=tmp_path / "weights.safetensors").hyper_parameters["size"] == "vgg19"
    with pytest.raises(WeightsError, match="expected size='vgg19'"):
        create_model("style_swap", weights=tmp_path / "weights.safetensors", size="compact")
