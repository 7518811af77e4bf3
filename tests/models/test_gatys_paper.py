from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from kornia.color import rgb_to_grayscale
from safetensors.torch import save_file
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError, WeightsError
from ir_transfer.models.gatys.equations import Aim, content_loss, layer_style_loss
from ir_transfer.models.gatys.network import LAYERS, STYLE_LAYERS, VggFeatures
from ir_transfer.models.gatys.paper import PaperGatys
from ir_transfer.models.gatys.reconstruct import reconstruct_content, reconstruct_style, synthesise_texture
from ir_transfer.models.gatys.search import noise, search
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.perceptual import PerceptualEncoder
from tests.models.base_tester import image

SMALL: dict[str, Any] = {"size": "vgg19", "widths": (4, 6, 8, 8, 8), "tolerance": 0}


def make(**changes: Any) -> PaperGatys:
    torch.manual_seed(0)
    model = create_model("gatys", weights=None, **{**SMALL, "steps": 12, **changes})
    assert isinstance(model, PaperGatys)
    return model


def followed(model: PaperGatys) -> list[Mapping[str, float]]:
    """Record the losses of every step."""
    told: list[Mapping[str, float]] = []
    model.on_step = lambda step, budget, losses: told.append(losses)
    return told


# -- equations ----------------------------------------------------------------------------------------------------


def test_content_gradient_is_equation_2() -> None:
    before = torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    wanted = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    features = before.relu()
    (gradient,) = torch.autograd.grad(content_loss(features, wanted), before)
    torch.testing.assert_close(gradient, (features - wanted) * (before > 0))


@pytest.mark.parametrize("exemplar_size", [(4, 5), (7, 3)])
def test_style_loss_and_gradient_are_equations_3_to_6(exemplar_size: tuple[int, int]) -> None:
    channels, height, width = 3, 4, 5
    before = torch.randn(1, channels, height, width, dtype=torch.float64, requires_grad=True)
    exemplar = torch.rand(1, channels, *exemplar_size, dtype=torch.float64)
    features = before.relu()
    loss = layer_style_loss(gram_matrix(features), gram_matrix(exemplar))

    positions = height * width
    flat, other = features.detach()[0].flatten(1), exemplar[0].flatten(1)
    wanted = other @ other.T * (positions / other.shape[1])  # the exemplar's, at the image's size
    total = 0.0
    for i in range(channels):
        for j in range(channels):
            gram = sum(float(flat[i, k] * flat[j, k]) for k in range(positions))
            total += (gram - float(wanted[i, j])) ** 2
    assert loss.item() == pytest.approx(total / (4 * channels**2 * positions**2))

    (gradient,) = torch.autograd.grad(loss, before)
    closed = (flat.T @ (flat @ flat.T - wanted)).T / (channels**2 * positions**2)
    torch.testing.assert_close(gradient[0].flatten(1), closed * (flat > 0))


def test_gradient_of_the_image_agrees_with_the_formula_written_naively() -> None:
    model = make().double()
    luma, exemplar = (image(1, 1, 24, 32, seed=seed).double() for seed in (0, 1))
    own, theirs = (model.encoder.at(p, LAYERS) for p in (luma, exemplar))
    own, theirs = ({k: v.detach() for k, v in found.items()} for found in (own, theirs))
    scales = {name: own[name].mean() for name in LAYERS}
    wanted = {name: gram_matrix(theirs[name]) for name in STYLE_LAYERS}
    aim = Aim(model.encoder, {"conv4_2": own["conv4_2"]}, wanted, scales, content_weight=0.7, style_weight=3.0)
    x = image(1, 1, 24, 32, seed=2).double().requires_grad_()
    losses = aim(x)
    (gradient,) = torch.autograd.grad(losses["content"] + losses["style"], x)

    found = model.encoder.at(x, LAYERS)
    naive = 0.7 * ((found["conv4_2"] - own["conv4_2"]) / scales["conv4_2"]).pow(2).mean() / 2
    for name in STYLE_LAYERS:
        a, b = (f[name][0].flatten(1) / scales[name] for f in (found, theirs))
        channels, positions = a.shape
        difference = a @ a.T - b @ b.T
        naive = naive + 3.0 / 5 * difference.pow(2).sum() / (4 * channels**2 * positions**2)
    (expected,) = torch.autograd.grad(naive, x)
    torch.testing.assert_close(gradient, expected)
    step = 1e-6 * torch.randn_like(x)
    with torch.no_grad():
        rise = sum(aim(x + step).values()) - sum(aim(x - step).values())
    torch.testing.assert_close(torch.as_tensor(rise), 2 * (gradient * step).sum(), rtol=1e-3, atol=1e-12)


# -- search -------------------------------------------------------------------------------------------------------


def test_optimisation_converges_to_a_minimum() -> None:
    wanted, told = torch.rand(1, 1, 5, 6), []

    def losses(x: Tensor) -> dict[str, Tensor]:
        return {"bowl": (torch.linspace(1, 9, 30).view(1, 1, 5, 6) * (x - wanted).square()).mean()}

    found = search(torch.zeros(1, 1, 5, 6), losses, 500, 1e-6, lambda step, budget, at: told.append((step, budget)))
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=0)
    assert told[0] == (1, 500)
    assert len(told) < 100


def test_optimisation_rejects_non_finite_losses() -> None:
    with pytest.raises(InputError, match="finite losses"):
        search(torch.ones(1, 1, 4, 4), lambda x: {"log": (x - 1).log().sum()}, 5)


def test_losses_decrease_within_the_step_budget() -> None:
    model = make(style_weight=10)
    told = followed(model)
    model(image(1, 3, 40, 48), model.prepare([image(1, 1, 40, 40, seed=3)]))
    totals = [sum(losses.values()) for losses in told]
    assert len(totals) == 12
    assert all(losses.keys() == {"content", "style"} for losses in told)
    assert all(after <= before for before, after in pairwise(totals))
    assert totals[-1] < totals[0] / 3


def test_tolerance_stops_the_optimisation_early() -> None:
    model = make(steps=60, tolerance=0.5)
    told = followed(model)
    model(image(1, 3, 32, 32), model.prepare([image(1, 1, 40, 40, seed=3)]))
    assert 10 <= len(told) < 60


def test_noise_is_seeded_and_weighted_in_the_initial_image() -> None:
    model = make(init="noise", steps=2)
    content, style = image(1, 3, 32, 40), model.prepare([image(1, 1, 40, 40, seed=3)])
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(model(content, style))
        torch.rand(3)  # what else is drawn does not matter
    assert torch.equal(results[0], results[1])
    assert not torch.allclose(results[0], results[2], atol=1e-2)
    assert torch.equal(noise(4, 5, content), noise(4, 5, content))


# -- contract -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["content", "noise"])
def test_strength_interpolates_from_luma_to_style(init: str) -> None:
    model = make(init=init, steps=15, style_weight=100)
    content = image(1, 3, 40, 48)
    style = model.prepare([image(1, 1, 40, 40, seed=3)], white_hot=True)
    images = [model(content, style, strength) for strength in (0.0, 1e-4, 0.3, 0.6, 1.0)]
    torch.testing.assert_close(images[0], rgb_to_grayscale(content))
    torch.testing.assert_close(images[1], images[0], atol=0.02, rtol=0)
    losses = [model.style_loss(found, style.tensors).item() for found in images]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 4


def test_inverted_exemplar_gives_the_exact_negative() -> None:
    model = make(steps=5)
    content, exemplar = image(1, 3, 40, 48), image(1, 1, 40, 40, seed=3)
    pairs = ((exemplar, True), (1 - exemplar, False))
    upright, inverted = (model(content, model.prepare([e], white_hot=white)) for e, white in pairs)
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-3, rtol=0)
    known = model(content, model.prepare([exemplar], white_hot=False), 0.0)
    torch.testing.assert_close(known, 1 - rgb_to_grayscale(content))


def test_exemplars_are_resized_to_the_given_side() -> None:
    model, exemplar = make(style_side=32), image(1, 1, 64, 96, seed=3)
    small = torch.nn.functional.interpolate(exemplar, (32, 48), mode="bilinear", antialias=True)
    a, b = (model.encode(e, torch.tensor([True])) for e in (exemplar, small))
    for name in a:
        torch.testing.assert_close(a[name], b[name], msg=name)


def test_features_equal_those_of_the_perceptual_encoder() -> None:
    torch.manual_seed(0)
    judge = PerceptualEncoder((4, 6, 8, 8, 8))
    features = VggFeatures((4, 6, 8, 8, 8), "max")
    features.load_state_dict(judge.state_dict())
    flat = torch.full((1, 1, 64, 48), 0.3)  # the border rules differ
    for found, wanted in zip(features(flat), judge(flat).values(), strict=True):
        torch.testing.assert_close(found, wanted)
    assert list(features.at(flat, ["conv4_2", "conv1_2"])) == ["conv1_2", "conv4_2"]


def test_vgg_is_loaded_as_weights_or_as_encoder(tmp_path: Path) -> None:
    file = tmp_path / "vgg.safetensors"
    save_file(PerceptualEncoder((4, 6, 8, 8, 10)).state_dict(), file)
    models = [create_model("gatys", file, steps=3), create_model("gatys", None, encoder_weights=file, steps=3)]
    assert models[0].hyper_parameters == models[1].hyper_parameters
    assert models[0].hyper_parameters["widths"] == [4, 6, 8, 8, 10]
    assert models[0].weights_hash == models[1].weights_hash != "none"
    for left, right in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(left, right)
    with pytest.raises(InputError, match="beside encoder_weights"):
        create_model("gatys", "a.safetensors", encoder_weights=file)
    with pytest.raises(WeightsError, match="widths"):
        create_model("gatys", file, widths=(4, 4, 4, 4, 4))
    make().save(tmp_path / "own.safetensors")
    assert create_model("gatys", tmp_path / "own.safetensors", steps=7).hyper_parameters["steps"] == 7


@pytest.mark.parametrize("wrong", [{"size": "huge"}, {"pooling": "min"}, {"widths": (4, 4)}, {"steps": 0}])
def test_invalid_arguments_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        make(**wrong)


def test_options_are_applied() -> None:
    model = make()
    model.configure({"steps": "7", "init": "noise", "style_weight": "1e3"})
    assert [model.hyper_parameters[k] for k in ("steps", "init", "style_weight")] == [7, "noise", 1000.0]
    with pytest.raises(UnknownNameError, match=r"model gatys 'step': did you mean 'steps'.* tolerance"):
        model.configure({"step": "5"})
    wrong = {"steps": ("0", "1.5", "x"), "init": ("photo",), "tolerance": ("-1", "nan", "2"), "style_side": ("8",)}
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(InputError, match=f"option {name} .*{value}"):
                model.configure({"content_weight": "5", name: value})
    assert model.hyper_parameters["content_weight"] == 1, "nothing is set if one is wrong"
    with pytest.raises(UnknownNameError, match="known: none"):
        create_model("gray").configure({"steps": "5"})


# -- reconstruction -----------------------------------------------------------------------------------------------


def test_content_reconstruction_is_closer_for_shallower_layers() -> None:
    model, content = make(steps=40), image(1, 3, 32, 40)
    luma = rgb_to_grayscale(content)
    with torch.inference_mode():
        shallow, deep = (reconstruct_content(model, content, layer) for layer in ("conv1_1", "conv4_2"))
    distances = [(found - luma).abs().mean().item() for found in (shallow, deep)]
    assert distances[0] < distances[1] / 2


def test_texture_synthesis_lowers_the_style_loss() -> None:
    model, exemplar = make(steps=25), image(1, 1, 40, 40, seed=3)
    style = model.prepare([exemplar], white_hot=True).tensors
    found = synthesise_texture(model, exemplar, (32, 48))
    assert found.shape == (1, 1, 32, 48)
    assert model.style_loss(found, style) < model.style_loss(noise(32, 48, exemplar), style) / 20
    one = reconstruct_style(model, exemplar, ["conv1_1"])
    assert one.shape == exemplar.shape


def test_reconstruction_rejects_invalid_arguments() -> None:
    model, exemplar = make(), image(1, 1, 32, 32)
    with pytest.raises(UnknownNameError, match="conv4_2"):
        reconstruct_content(model, exemplar, "conv4-2")
    with pytest.raises(InputError, match="one or more layers"):
        reconstruct_style(model, exemplar, [])
    with pytest.raises(InputError, match="at least 16"):
        synthesise_texture(model, exemplar, (15, 40))


def test_models_created_in_inference_mode_are_rejected() -> None:
    with torch.inference_mode():
        model = create_model("gatys", weights=None, size="vgg19", widths=(4, 4, 4, 4, 4), steps=1)
        with pytest.raises(InputError, match=r"made outside torch\.inference_mode"):
            model(torch.rand(1, 3, 32, 32), model.prepare([torch.rand(1, 1, 32, 32)]))
