from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.adain.model import AdaIN
from ir_transfer.models.adjustable.model import DEFAULT_SHARE, WEIGHTS, Adjustable
from ir_transfer.models.capabilities import sliders_of
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import CONTRAST
from ir_transfer.nn.perceptual import LAYERS
from tests.models.small_thermal import SMALL_THERMAL, scene, small_thermal

EXEMPLAR = scene(60, 80, 1, channels=1)


@pytest.fixture
def model() -> Adjustable:
    made = small_thermal("adjustable", hidden=8)
    assert isinstance(made, Adjustable)
    return made


def with_answers(model: Adjustable) -> Adjustable:
    """Give the network non-zero responses, as after training."""
    torch.manual_seed(3)
    for head in model.heads.parameters():
        torch.nn.init.normal_(head, std=0.3)
    return model


def test_initialised_from_adain_it_equals_adain(model: Adjustable) -> None:
    trained, content = small_thermal("adain", seed=4), scene(70, 90)
    assert isinstance(trained, AdaIN)
    model.adopt(trained)
    with torch.inference_mode():
        found, wanted = (m(content, m.prepare([EXEMPLAR])) for m in (model, trained))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    assert wanted.std() > 0.05


@torch.inference_mode()
def test_scales_and_shifts_depend_on_statistics_and_weights(model: Adjustable) -> None:
    """Checks the formula: network responses, gains, instance normalisation."""
    with torch.inference_mode(False):
        with_answers(model)
    alpha = torch.rand(1, len(LAYERS))
    style = {**model.encode(EXEMPLAR, torch.tensor([True])), WEIGHTS: alpha}
    least = torch.tensor(model.hyper_parameters["least_gains"])
    gains = (least * (1 - alpha) + alpha)[0]
    statistics = torch.cat([style[f"level{level}.{part}"] for level in range(4) for part in ("mean", "std")], dim=1)
    centred = (statistics - statistics.mean()) / (statistics.var(correction=0) + 1e-5).sqrt()
    described = model.trunk(torch.cat([centred, alpha], dim=1))
    contents = [gains[0], gains[0], gains[1], gains[1]]
    styles = [torch.tensor(1.0), gains[4], gains[5], gains[6]]
    share = alpha[0, 2] * alpha[0, 3]
    for level, (width, content, gain) in enumerate(zip(model.neck.widths, contents, styles, strict=True)):
        stretch, shift = model.heads[level](described).split(width, dim=1)
        mean, std = style[f"level{level}.mean"], style[f"level{level}.std"]
        features = 4 * torch.randn(1, width, 12, 15) - 1
        normal = F.instance_norm(features) * (179 / 180) ** 0.5
        scale = gain * content * std * stretch.exp()
        wanted = normal * scale[..., None, None] + (gain * (mean + std * shift))[..., None, None]
        if level == 0:
            wanted = torch.lerp(features, wanted, share)
        found = model.align(level, features, model.measure(features), style)
        torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_slider_changes_the_image_even_untrained(model: Adjustable, layer: str) -> None:
    style, content = model.prepare([EXEMPLAR], white_hot=True), scene(64, 96)
    outputs = []
    with torch.inference_mode():
        outputs = [model(content, model.adjust(style, {layer: weight})) for weight in (0.0, 0.5, 1.0)]
    assert (outputs[0] - outputs[2]).abs().mean() > 0.001
    assert (outputs[1] - outputs[2]).abs().mean() < (outputs[0] - outputs[2]).abs().mean()
    assert torch.equal(outputs[2], model(content, style).detach())


@torch.inference_mode()
@pytest.mark.parametrize("layer", ["relu1_1", "relu2_1"])
def test_without_a_fine_style_layer_the_content_keeps_its_own_statistics(model: Adjustable, layer: str) -> None:
    style = {**model.encode(EXEMPLAR, torch.tensor([True]))}
    style[WEIGHTS][:, LAYERS.index(layer)] = 0
    features = 4 * torch.randn(1, model.neck.widths[0], 12, 15) - 1
    torch.testing.assert_close(model.align(0, features, model.measure(features), style), features)
    coarser = torch.randn(1, model.neck.widths[1], 6, 8)
    assert not torch.allclose(model.align(1, coarser, model.measure(coarser), style), coarser, atol=0.1)


def test_sliders_at_stride_4_scale_detail_contrast(model: Adjustable) -> None:
    model.hyper_parameters["least_gains"] = [0.5] * len(LAYERS)
    style = model.prepare([EXEMPLAR])
    for layer, wanted in [("content.relu3_1", 0.5), ("relu1_1", 0.5), ("relu2_1", 0.5), ("relu3_1", 1.0)]:
        tensors = model.adjust(style, {layer: 0.0}).tensors
        torch.testing.assert_close(model.contrast(tensors), wanted * style.tensors[CONTRAST])


def test_trained_responses_change_the_image(model: Adjustable) -> None:
    model.hyper_parameters["least_gains"] = [1.0] * len(LAYERS)
    style, content = model.prepare([EXEMPLAR], white_hot=True), scene(64, 96)
    fine = ("relu1_1", "relu2_1")  # these have a fixed effect without gains, too
    low = model.adjust(style, {layer: 0.0 for layer in LAYERS if layer not in fine})

    def difference() -> Tensor:
        with torch.inference_mode():
            outputs: list[Tensor] = [model(content, one) for one in (low, style)]
            return (outputs[0] - outputs[1]).abs().mean()

    assert difference() == 0
    with_answers(model)
    assert difference() > 1e-3


def test_unnamed_sliders_are_unchanged(model: Adjustable) -> None:
    style = model.prepare([EXEMPLAR])
    adjusted = model.adjust(style, {"relu2_1": 0.3, "content.relu4_1": 0.0})
    expected = torch.ones(len(LAYERS))
    expected[LAYERS.index("relu2_1")], expected[LAYERS.index("content.relu4_1")] = 0.3, 0.0
    torch.testing.assert_close(adjusted.tensors[WEIGHTS][0], expected)
    assert style.tensors[WEIGHTS].eq(1).all(), "the style that was given stays"


def test_weights_are_random_in_training_and_one_otherwise(model: Adjustable) -> None:
    exemplars, white_hot = EXEMPLAR.expand(200, 1, -1, -1)[..., :32, :32], torch.ones(200, dtype=torch.bool)
    assert model.encode(exemplars, white_hot)[WEIGHTS].eq(1).all()
    torch.manual_seed(0)
    drawn = model.train().encode(exemplars, white_hot)[WEIGHTS]
    default = drawn.eq(1).all(1)
    assert float(default.float().mean()) == pytest.approx(DEFAULT_SHARE, abs=0.1)
    assert drawn[~default].min() >= 0
    assert drawn[~default].mean().item() == pytest.approx(0.5, abs=0.05)
    assert drawn[~default].std(0).min() > 0.2
    assert not torch.equal(drawn, model.encode(exemplars, white_hot)[WEIGHTS])


def test_trained_responses_round_trip_through_a_file(model: Adjustable, tmp_path: Path) -> None:
    with_answers(model).save(tmp_path / "weights.safetensors")
    loaded, content = create_model("adjustable", weights=tmp_path / "weights.safetensors"), scene(40, 60)
    assert isinstance(loaded, Adjustable)
    outputs = []
    for made in (model, loaded):
        style: StyleCode = made.adjust(made.prepare([EXEMPLAR]), {"relu3_1": 0.2})
        outputs.append(made(content, style).detach())
    assert torch.equal(*outputs)


def test_network_receives_gradients_once_responses_are_non_zero(model: Adjustable) -> None:
    with_answers(model).train()
    style = model.encode(EXEMPLAR.expand(2, 1, -1, -1), torch.tensor([True, True]))
    model.translate(scene(48, 64).expand(2, -1, -1, -1), style, 1.0, None).square().mean().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        if name.startswith(("trunk", "heads", "exemplar_encoder")):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_rejects_weights_out_of_range(model: Adjustable, value: float) -> None:
    with pytest.raises(InputError, match=r"weight of layer relu3_1 in \[0, 1\], got"):
        model.adjust(model.prepare([EXEMPLAR]), {"relu3_1": value})


def test_rejects_unknown_layers_and_models_without_sliders(model: Adjustable) -> None:
    with pytest.raises(UnknownNameError, match="unknown layer 'relu9_1': did you mean"):
        model.adjust(model.prepare([EXEMPLAR]), {"relu9_1": 1})
    with pytest.raises(InputError, match="no layer weights for model 'adain'"):
        sliders_of(create_model("adain", weights=None, **SMALL_THERMAL))


@pytest.mark.parametrize("gains", [[0.5] * 6, [0.5] * 6 + [1.5]])
def test_rejects_invalid_gains(gains: list[float]) -> None:
    with pytest.raises(InputError, match=r"7 least_gains in \[0, 1\]"):
        create_model("adjustable", weights=None, least_gains=gains, **SMALL_THERMAL)
