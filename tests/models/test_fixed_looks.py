from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.adjustable.model import Adjustable
from ir_transfer.models.cin.model import CIN
from ir_transfer.models.fixed_looks import intensity_quantiles
from ir_transfer.models.johnson.model import Johnson
from ir_transfer.models.style_code import blend_codes
from tests.models.base_tester import picture

SMALL: dict[str, Any] = {"widths": (4, 8, 8), "blocks": 1}


def cin(*looks: str) -> CIN:
    torch.manual_seed(0)
    model = create_model("cin", weights=None, looks=looks, **SMALL)
    assert isinstance(model, CIN)
    with torch.no_grad():
        for parameter in model.table.values():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def test_looks_differ_blend_and_their_negatives_are_exact() -> None:
    model, content = cin("day", "night"), picture(1, 3, 40, 33)
    day, night = model.look("day"), model.look("night")
    with torch.inference_mode():
        assert (model(content, day) - model(content, night)).abs().max() > 0.01
        torch.testing.assert_close(model(content, blend_codes([day, night], [1, 0])), model(content, day))
        negative = model(content, model.look("day", white_hot=False))
    torch.testing.assert_close(negative, 1 - model(content, day), atol=1e-6, rtol=0)


def test_a_blend_of_two_looks_is_the_blend_of_scales_and_shifts() -> None:
    model = cin("day", "night")
    half = blend_codes([model.look("day"), model.look("night")], [0.25, 0.75]).tensors["affine"][0]
    torch.testing.assert_close(half, 0.25 * model.table["day"] + 0.75 * model.table["night"])


def test_strength_0_is_the_look_of_a_photograph_whatever_the_look() -> None:
    model, content = cin("day", "night"), picture(1, 3, 40, 33)
    with torch.inference_mode():
        ends = [model(content, model.look(name), 0.0) for name in ("day", "night")]
    torch.testing.assert_close(ends[0], ends[1])


def test_johnson_at_strength_0_is_the_luminance() -> None:
    model = create_model("johnson", weights=None, looks=("day",), **SMALL)
    assert isinstance(model, Johnson)
    content = picture(1, 3, 40, 33)
    with torch.inference_mode():
        gray = create_model("gray")(content, create_model("gray").prepare([picture(1, 1, 32, 32)]))
        torch.testing.assert_close(model(content, model.look("day"), 0.0), gray)


def test_an_exemplar_finds_the_look_that_is_nearest_in_intensities() -> None:
    model = cin("dark", "bright")
    dark, bright = 0.4 * torch.rand(1, 1, 40, 40), 0.6 + 0.4 * torch.rand(1, 1, 40, 40) ** 3
    model.intensities.copy_(torch.stack([intensity_quantiles(dark), intensity_quantiles(bright)]))
    for exemplar, name in ((0.41 * torch.rand(1, 1, 20, 20), "dark"), (0.97 * bright, "bright")):
        assert model.style_for(exemplar).metadata["look"] == name
        assert float(model.style_for(exemplar).tensors["polarity"]) == 1
        assert float(model.style_for(exemplar, white_hot=False).tensors["polarity"]) == -1


def test_more_looks_than_the_file_knows(tmp_path: Path) -> None:
    cin("day", "night").save(tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match="expected looks="):
        create_model("cin", weights=tmp_path / "weights.safetensors", looks=("day", "night", "dusk"))


@pytest.mark.parametrize(
    ("model", "looks", "message"),
    [
        ("cin", (), "one or more looks"),
        ("cin", ("day", "day"), "different names"),
        ("cin", ("photograph",), "other names than 'photograph'"),
        ("johnson", ("day", "night"), "one look for model 'johnson', got 2"),
    ],
)
def test_refuses_looks_that_cannot_be(model: str, looks: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_model(model, weights=None, looks=looks)


def test_a_new_look_begins_from_the_mean_of_the_old_ones_which_stay() -> None:
    old, new = cin("day", "night"), cin("day", "night", "dusk")
    new.adopt(old)
    content = picture(1, 3, 40, 33)
    with torch.inference_mode():
        for name in ("day", "night"):
            torch.testing.assert_close(new(content, new.look(name)), old(content, old.look(name)))
    torch.testing.assert_close(new.table["dusk"], (old.table["day"] + old.table["night"]) / 2)


def test_johnson_and_adjustable_go_on_from_many_looks() -> None:
    trained, content = cin("day", "night"), picture(1, 3, 40, 33)
    johnson = create_model("johnson", weights=None, looks=("night",), **SMALL)
    assert isinstance(johnson, Johnson)
    johnson.adopt(trained)
    adjustable = create_model("adjustable", weights=None, hidden=8, **SMALL)
    assert isinstance(adjustable, Adjustable)
    adjustable.adopt(trained)
    with torch.inference_mode():
        wanted = trained(content, trained.look("night"))
        torch.testing.assert_close(johnson(content, johnson.look("night")), wanted)
        photograph = adjustable(content, adjustable.prepare([picture(1, 1, 32, 32)], white_hot=True), 0.0)
    torch.testing.assert_close(photograph, trained(content, trained.look("day"), 0.0))


def test_weights_of_another_size_are_no_beginning() -> None:
    other = create_model("cin", weights=None, looks=("day",), widths=(4, 4, 8), blocks=1)
    for model in (cin("day"), create_model("johnson", weights=None, looks=("day",), **SMALL)):
        with pytest.raises(WeightsError, match="to begin from"):
            model.adopt(other)
