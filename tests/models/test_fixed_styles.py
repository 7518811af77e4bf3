"""Johnson and CIN: definition, initialisation, storage and blending of learned styles."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models import thermal
from ir_transfer.models.adain.model import AdaIN
from ir_transfer.models.cin.model import CIN
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.johnson.model import Johnson
from ir_transfer.models.style_code import blend_codes
from ir_transfer.nn.thermal.detail_contrast import detail_contrast
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.tone import tone_of
from ir_transfer.nn.thermal.windows import Window
from tests.models.small_thermal import SMALL_LOOKS, scene, small_thermal

EXEMPLARS = {"day": [scene(60, 80, 1, channels=1)], "night": [0.4 * scene(50, 70, 2, 1), 0.5 * scene(64, 64, 3, 1)]}


def adain() -> AdaIN:
    made = small_thermal("adain")
    assert isinstance(made, AdaIN)
    return made


def looks_of(name: str, *looks: str, trained: AdaIN | None = None) -> FixedStyles:
    """Return a model with styles initialised from AdaIN and exemplars."""
    torch.manual_seed(5)
    model = create_model(name, weights=None, looks=looks, **SMALL_LOOKS).eval()
    assert isinstance(model, FixedStyles)
    for look in looks:
        if look in EXEMPLARS:
            model.set_style_exemplars(look, EXEMPLARS[look])
    model.adopt(trained or adain())
    return model


def cin(*looks: str) -> CIN:
    model = looks_of("cin", *looks)
    assert isinstance(model, CIN)
    return model


@pytest.mark.parametrize(("name", "looks"), [("johnson", ["day"]), ("johnson", ["night"]), ("cin", ["day", "night"])])
@torch.inference_mode()
def test_initialised_from_adain_every_style_equals_adain_with_a_fifth_more_detail(name: str, looks: list[str]) -> None:
    trained, content = adain(), scene(70, 90)
    with torch.inference_mode(False):
        model = looks_of(name, *looks, trained=trained)
    for look in looks:
        for white_hot in (True, False):
            style = trained.prepare(EXEMPLARS[look], white_hot=True)
            contrast = {"detail.contrast": 1.2 * style.tensors["detail.contrast"]}
            wanted = trained(content, replace(style, tensors={**style.tensors, **contrast}))
            found = model(content, model.style(look, white_hot=white_hot))
            torch.testing.assert_close(found, wanted if white_hot else 1 - wanted, atol=1e-5, rtol=0)
    assert found.std() > 0.02


@pytest.mark.parametrize("name", ["johnson", "cin"])
@torch.inference_mode()
def test_every_level_is_normalised_scaled_and_shifted(name: str) -> None:
    with torch.inference_mode(False):
        model = looks_of(name, "day")
        row = model.affine_of("day")
        torch.nn.init.normal_(row)
    style, first, channels = model.style("day").tensors, 0, len(row) // 2
    for level, width in enumerate(model.neck.widths):
        features = 4 * torch.randn(2, width, 12, 15) - 1
        normal = F.instance_norm(features)  # with the biased variance: 180 / 179 of the other
        part = slice(first, first + width)
        scale, shift = row[:channels][part, None, None], row[channels:][part, None, None]
        found = model.align(level, features, model.measure(features), style)
        torch.testing.assert_close(found, normal * scale * (179 / 180) ** 0.5 + shift, atol=1e-4, rtol=1e-4)
        first += width
    assert first == channels


@torch.inference_mode()
def test_style_tone_is_the_mean_of_its_exemplars_and_that_of_the_result() -> None:
    with torch.inference_mode(False):
        model = cin("day", "night")
    tones = [tone_of(exemplar) for exemplar in EXEMPLARS["night"]]
    style = model.style("night").tensors
    torch.testing.assert_close(style["tone.quantiles"], (tones[0].quantiles + tones[1].quantiles) / 2)
    found = tone_of(model.translate(scene(120, 160), style, 1.0, None))
    torch.testing.assert_close(found.mean, (tones[0].mean + tones[1].mean) / 2, atol=0.02, rtol=0)
    torch.testing.assert_close(found.deviation, (tones[0].deviation + tones[1].deviation) / 2, atol=0.02, rtol=0)


@torch.inference_mode()
def test_blending_styles_blends_scales_shifts_and_tones() -> None:
    with torch.inference_mode(False):
        model = cin("day", "night")
    content, day, night = scene(40, 60), model.style("day"), model.style("night")
    blend = blend_codes([day, night], [0.25, 0.75])
    torch.testing.assert_close(blend.tensors["affine"][0], 0.25 * model.table["day"] + 0.75 * model.table["night"])
    for name in ("quantiles", "mean", "deviation"):
        wanted = 0.25 * day.tensors[f"tone.{name}"] + 0.75 * night.tensors[f"tone.{name}"]
        torch.testing.assert_close(blend.tensors[f"tone.{name}"], wanted)
    assert min(float((model(content, blend) - model(content, end)).abs().mean()) for end in (day, night)) > 0.01
    torch.testing.assert_close(model(content, blend_codes([day, night], [1, 0])), model(content, day))


@torch.inference_mode()
def test_styles_differ_in_more_than_tone() -> None:
    with torch.inference_mode(False):
        model = cin("day", "night")
    day, night = model.style("day").tensors, model.style("night").tensors
    content = scene(40, 60)
    one, other = (model.translate(content, {**day, "affine": style["affine"]}, 1.0, None) for style in (day, night))
    assert (one - other).abs().mean() > 1e-3


@pytest.mark.parametrize("name", ["johnson", "cin"])
@torch.inference_mode()
def test_windows_equal_the_whole_image(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.inference_mode(False):
        model = looks_of(name, "day")
    monkeypatch.setattr(thermal, "OVERVIEW_PIXELS", 4_000)
    size = (97, 130)
    factor, content, style = model.overview_factor(*size), scene(*size), model.style("day").tensors
    assert factor == 2
    whole = model.translate(content, style, 1.0, None)
    survey = model.survey(overview_of(content, factor), factor, style)
    for top, left in product(range(0, size[0], 24), range(0, size[1], 24)):
        bottom, right = min(top + 24, size[0]), min(left + 24, size[1])
        window = Window(top, left, bottom - top, right - left, *size)
        part = model.translate_window(content[..., top:bottom, left:right], survey, window, style, 1.0)
        torch.testing.assert_close(part, whole[..., top:bottom, left:right], atol=5e-4, rtol=0)
    assert whole.std() > 0.05


def test_exemplar_selects_the_style_nearest_in_tone() -> None:
    model = cin("dark", "bright")
    dark, bright = 0.4 * torch.rand(1, 1, 40, 40), 0.6 + 0.4 * torch.rand(1, 1, 40, 40) ** 3
    model.set_style_exemplars("dark", [dark])
    model.set_style_exemplars("bright", [bright])
    for exemplar, name in ((0.41 * torch.rand(1, 1, 20, 20), "dark"), (0.97 * bright, "bright")):
        assert model.style_for(exemplar, white_hot=True).metadata["look"] == name
        assert model.style_for(1 - exemplar, white_hot=False).metadata["look"] == name
        assert float(model.style_for(1 - exemplar, white_hot=False).tensors["polarity"]) == -1


@torch.inference_mode()
def test_exemplar_determines_tone_contrast_and_polarity() -> None:
    with torch.inference_mode(False):
        model = cin("day", "night")
    exemplar = 0.3 + 0.2 * scene(50, 70, 7, channels=1)
    code, night = model.prepare([1 - exemplar], white_hot=False), model.style("night")
    assert code.metadata["look"] == "night"
    torch.testing.assert_close(code.tensors["affine"], night.tensors["affine"])
    wanted = tone_of(exemplar)
    for name, values in zip(("quantiles", "mean", "deviation"), wanted, strict=True):
        torch.testing.assert_close(code.tensors[f"tone.{name}"], values, atol=1e-5, rtol=0)
    torch.testing.assert_close(code.tensors["detail.contrast"], detail_contrast(exemplar), atol=1e-4, rtol=0)
    output = 1 - model(scene(64, 64), code)
    assert float(output.mean()) == pytest.approx(float(exemplar.mean()), abs=0.01)


@torch.inference_mode()
def test_several_exemplars_blend_their_styles() -> None:
    with torch.inference_mode(False):
        model = cin("day", "night")
    one, other = EXEMPLARS["day"][0], EXEMPLARS["night"][0]
    parts = [model.prepare([exemplar], white_hot=True) for exemplar in (one, other)]
    assert [part.metadata["look"] for part in parts] == ["day", "night"]
    code = model.prepare([one, other], [0.25, 0.75], white_hot=True)
    assert code.metadata["look"] == "day, night"
    for name, tensor in code.tensors.items():
        torch.testing.assert_close(tensor, 0.25 * parts[0].tensors[name] + 0.75 * parts[1].tensors[name])
    with pytest.raises(InputError, match="at least one exemplar"):
        model.prepare([])


@pytest.mark.parametrize("name", ["johnson", "cin"])
def test_file_stores_styles_and_tones(name: str, tmp_path: Path) -> None:
    model, content = looks_of(name, "night"), scene(40, 60)
    model.save(tmp_path / "weights.safetensors")
    loaded = create_model(name, weights=tmp_path / "weights.safetensors")
    assert isinstance(loaded, FixedStyles)
    assert loaded.styles == ("night",)
    assert torch.equal(loaded.quantiles, model.quantiles)
    with torch.inference_mode():
        assert torch.equal(loaded(content, loaded.style("night")), model(content, model.style("night")))
    with pytest.raises(WeightsError, match="expected looks="):
        create_model(name, weights=tmp_path / "weights.safetensors", looks=("dusk",))


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        ("cin", {"looks": ()}, "one or more styles"),
        ("cin", {"looks": ("day", "day")}, "different names"),
        ("cin", {"looks": ("day.1",)}, "without a dot"),
        ("johnson", {"looks": ("day", "night")}, "one style for model 'johnson', got 2"),
        ("cin", {"size": "paper"}, r"hyper-parameters of model 'cin' among .*looks, got size"),
    ],
)
def test_rejects_invalid_arguments(model: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_model(model, weights=None, **changes)


def test_new_style_starts_from_the_mean_of_the_existing_ones() -> None:
    old, new = cin("day", "night"), create_model("cin", weights=None, looks=("day", "dusk", "night"), **SMALL_LOOKS)
    assert isinstance(new, CIN)
    new.eval().set_style_exemplars("dusk", [0.3 * scene(50, 60, 9, channels=1)])
    tone = new.quantiles[1].clone()
    new.adopt(old)
    content = scene(40, 60)
    with torch.inference_mode():
        for name in ("day", "night"):
            torch.testing.assert_close(new(content, new.style(name)), old(content, old.style(name)))
    torch.testing.assert_close(new.table["dusk"], (old.table["day"] + old.table["night"]) / 2)
    assert torch.equal(new.quantiles[1], tone)


def test_style_exemplars_set_before_adopting_keep_their_tone() -> None:
    old, new = looks_of("johnson", "day"), create_model("johnson", weights=None, looks=("day",), **SMALL_LOOKS)
    assert isinstance(new, Johnson)
    new.set_style_exemplars("day", EXEMPLARS["night"])
    new.adopt(old)
    torch.testing.assert_close(new.affine, old.affine)
    assert not torch.allclose(new.quantiles, old.quantiles, atol=0.05)


def test_johnson_starts_from_one_of_many_styles() -> None:
    trained, content = cin("day", "night"), scene(40, 60)
    johnson = create_model("johnson", weights=None, looks=("night",), **SMALL_LOOKS).eval()
    johnson.adopt(trained)
    assert isinstance(johnson, Johnson)
    with torch.inference_mode():
        torch.testing.assert_close(
            johnson(content, johnson.style("night")), trained(content, trained.style("night")), atol=1e-5, rtol=0
        )


def test_initial_weights_of_another_size_are_rejected() -> None:
    other = create_model("cin", weights=None, looks=("day",), **{**SMALL_LOOKS, "widths": (4, 4, 4, 4)})
    for model in (cin("day"), looks_of("johnson", "day")):
        with pytest.raises(WeightsError, match="initial weights"):
            model.adopt(other)
        with pytest.raises(WeightsError, match="initial weights"):
            model.adopt(create_model("gray"))


def test_only_the_drawn_style_receives_gradients() -> None:
    model = cin("day", "night").train()
    style = model.encode_styles(torch.tensor([1, 1]), torch.tensor([True, True]))
    model.translate(torch.cat([scene(48, 64), scene(48, 64, 4)]), style, 1.0, None).square().mean().backward()  # type: ignore[no-untyped-call]
    gradients: dict[str, Tensor | None] = {name: row.grad for name, row in model.table.items()}
    assert gradients["day"] is not None
    assert not gradients["day"].any()
    assert gradients["night"] is not None
    assert (gradients["night"] != 0).float().mean() > 0.9
