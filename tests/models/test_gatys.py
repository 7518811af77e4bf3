from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError, WeightsError
from ir_transfer.models import thermal
from ir_transfer.models.gatys.model import Gatys
from ir_transfer.models.gatys.reconstruct import reconstruct_content, reconstruct_style
from ir_transfer.models.gatys.search import noise
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import GRAIN
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.tone import tone_of
from tests.models.small_thermal import SMALL_THERMAL, scene, small_thermal


def make(**changes: Any) -> Gatys:
    """Return a small model whose maps have a deviation of 1, like those of trained weights."""
    model = create_model("gatys", weights=None, **{**SMALL_THERMAL, "steps": 12, "tolerance": 0, **changes})
    assert isinstance(model, Gatys)
    model.start.load_state_dict(small_thermal("adain").state_dict())
    return model


def exemplar(height: int = 60, width: int = 80, seed: int = 1) -> Tensor:
    return scene(height, width, seed, channels=1)


def style_of(model: Gatys, *exemplars: Tensor, **options: Any) -> StyleCode:
    return model.prepare(exemplars or [exemplar()], white_hot=True, **options)


def gram_of(model: Gatys, image: Tensor, level: int, side: tuple[int, int]) -> Tensor:
    """Return the Gram matrix of an exemplar at a size by definition, in gray of mean .5 and deviation .2."""
    small = F.interpolate(image, side, mode="bilinear", antialias=True)
    gray = 0.5 + 0.2 * (small - small.mean()) / small.std(correction=0)
    flat = model.start.encoder(gray.repeat(1, 3, 1, 1)).levels[level][0].flatten(1)
    gram: Tensor = flat @ flat.T / flat.shape[1]
    return gram


def test_losses_decrease_below_those_of_the_thermal_map() -> None:
    model, content = make(), scene(48, 64)
    told: list[Mapping[str, float]] = []
    model.on_step = lambda step, budget, losses: told.append(losses)
    style = style_of(model)
    found = model(content, style)
    totals = [sum(losses.values()) for losses in told]
    assert len(totals) == 12
    assert all(losses.keys() == {"content", "style"} for losses in told)
    assert all(after <= before for before, after in pairwise(totals))
    assert totals[-1] < totals[0] / 2
    with torch.inference_mode():
        start = model.start(content, model.start.prepare([exemplar()], white_hot=True))
    assert model.style_loss(found, style.tensors) < 0.5 * model.style_loss(start, style.tensors)


def test_style_weight_0_keeps_the_thermal_map_of_adain() -> None:
    model, content = make(style_weight=0.0), scene(48, 64)
    with torch.inference_mode():
        start = model.start(content, model.start.prepare([exemplar()], white_hot=True))
    torch.testing.assert_close(model(content, style_of(model)), start, atol=2e-3, rtol=0)


@pytest.mark.parametrize(("size", "brought_to"), [((120, 160), (48, 64)), ((40, 50), (48, 60))])
@torch.no_grad()
def test_exemplar_is_resized_to_the_content_scale(size: tuple[int, int], brought_to: tuple[int, int]) -> None:
    model, image = make(), exemplar(*size)
    aim = model._aim(torch.rand(1, 1, 48, 64), style_of(model, image).tensors)
    for level, name in enumerate(model.features.layers):
        torch.testing.assert_close(aim.style[name][0], gram_of(model, image, level, brought_to), atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_gram_matrices_of_several_exemplars_are_weighted() -> None:
    model, images = make(), [exemplar(60, 80), exemplar(90, 90, seed=4)]
    aim = model._aim(torch.rand(1, 1, 48, 64), style_of(model, *images, weights=[1, 3]).tensors)
    for level, name in enumerate(model.features.layers):
        one, other = (
            gram_of(model, image, level, side) for image, side in zip(images, ((48, 64), (48, 48)), strict=True)
        )
        torch.testing.assert_close(aim.style[name][0], 0.25 * one + 0.75 * other, atol=1e-4, rtol=1e-3)


def test_large_exemplars_are_reduced() -> None:
    kept = style_of(make(style_side=32), exemplar(64, 96)).tensors["part0.exemplar"]
    assert kept.shape == (1, 1, 32, 48)


def test_result_has_the_tone_and_polarity_of_the_exemplar() -> None:
    model, content, image = make(steps=4), scene(48, 64), 0.2 + 0.5 * exemplar()
    upright = model(content, model.prepare([image], white_hot=True))
    inverted = model(content, model.prepare([1 - image], white_hot=False))
    torch.testing.assert_close(inverted, 1 - upright, atol=0.02, rtol=0)  # a search amplifies rounding
    found, wanted = tone_of(upright), tone_of(image)
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(found.deviation, wanted.deviation, atol=0.02, rtol=0)


def test_strength_blends_with_the_luma() -> None:
    model, content = make(steps=3), scene(48, 64)
    luma = rgb_to_grayscale(content)
    for white_hot in (True, False):
        style = model.prepare([exemplar()], white_hot=white_hot)
        none, half, full = (model.translate(content, style.tensors, share, None) for share in (0.0, 0.5, 1.0))
        torch.testing.assert_close(none, luma if white_hot else 1 - luma)
        torch.testing.assert_close(half, 0.5 * (none + full), atol=1e-5, rtol=0)


def test_large_image_is_optimised_on_its_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    model, content = make(steps=6), scene(96, 128)
    style = style_of(model)
    style.tensors[GRAIN].zero_()  # it is added after the search
    whole = model(content, style)
    monkeypatch.setattr(thermal, "OVERVIEW_PIXELS", 96 * 128 // 4)
    seen: list[tuple[int, ...]] = []
    at = type(model.features).at

    def remember(self: Any, images: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        seen.append(tuple(images.shape[-2:]))
        return at(self, images, layers)

    monkeypatch.setattr(type(model.features), "at", remember)
    found = model(content, style)
    assert set(seen) == {(48, 64)}
    assert found.shape == whole.shape
    with torch.inference_mode():
        start = model.start(content, model.start.prepare([exemplar()], white_hot=True))
    assert (found - start).abs().mean() > 0.005
    # What it lowers is the loss of the overview; the full-size image has finer detail besides.
    losses = [model.style_loss(overview_of(image, 2), style.tensors) for image in (found, start)]
    assert losses[0] < losses[1]


def test_weights_are_those_of_adain(tmp_path: Path) -> None:
    small_thermal("adain").save(tmp_path / "adain.safetensors", {"band": "nir"})
    model = create_model("gatys", tmp_path / "adain.safetensors", steps=3)
    assert isinstance(model, Gatys)
    assert model.hyper_parameters["steps"] == 3
    assert model.metadata["band"] == "nir"
    adain = create_model("adain", tmp_path / "adain.safetensors")
    assert model.weights_hash == adain.weights_hash
    for name, tensor in adain.state_dict().items():
        assert torch.equal(model.start.state_dict()[name], tensor), name
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(WeightsError, match="expected head_width=8"):
        create_model("gatys", tmp_path / "adain.safetensors", head_width=6)
    create_model("wct2", weights=None, **SMALL_THERMAL).save(tmp_path / "wct2.safetensors")
    with pytest.raises(WeightsError, match=r"expected weights of model 'gatys'.*'wct2'"):
        create_model("gatys", tmp_path / "wct2.safetensors")


def test_invalid_options_and_sizes_are_rejected() -> None:
    model = make()
    with pytest.raises(UnknownNameError, match="option of model gatys 'init'"):
        model.configure({"init": "noise"})
    with pytest.raises(InputError, match="option steps"):
        make(steps=0)
    with pytest.raises(InputError, match="compact, vgg19"):
        create_model("gatys", weights=None, size="huge")
    with pytest.raises(InputError, match="no weights and no other size beside encoder_weights"):
        create_model("gatys", weights=None, encoder_weights="torchvision", size="compact")


def test_reconstruction_uses_the_content_encoder() -> None:
    model, image = make(steps=25), exemplar(32, 40)
    found = reconstruct_content(model, image, "stride2")
    wanted, reached, begun = (
        model.start.encoder(one.expand(-1, 3, -1, -1)).levels[0] for one in (image, found, noise(32, 40, image))
    )
    assert (reached - wanted).square().mean() < 0.1 * (begun - wanted).square().mean()
    assert reconstruct_style(model, image, size=(32, 48)).shape == (1, 1, 32, 48)
    with pytest.raises(UnknownNameError, match="layer of the content encoder 'conv4_2'"):
        reconstruct_content(model, image, "conv4_2")
    with pytest.raises(InputError, match="name stride2 or deeper"):
        reconstruct_style(model, image, [])


def test_models_created_in_inference_mode_are_rejected() -> None:
    with torch.inference_mode():
        model = create_model("gatys", weights=None, **SMALL_THERMAL, steps=1)
        with pytest.raises(InputError, match=r"made outside torch\.inference_mode"):
            model(torch.rand(1, 3, 32, 32), model.prepare([torch.rand(1, 1, 32, 32)]))
