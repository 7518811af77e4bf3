from __future__ import annotations

import pytest
import torch

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.adjustable.model import WEIGHTS, Adjustable
from ir_transfer.models.capabilities import sliders_of
from ir_transfer.nn.perceptual import LAYERS
from tests.models.base_tester import picture
from tests.models.small_thermal import SMALL_THERMAL


@pytest.fixture
def model() -> Adjustable:
    torch.manual_seed(0)
    made = create_model("adjustable", weights=None, widths=(4, 8, 8), blocks=1, hidden=8)
    assert isinstance(made, Adjustable)
    torch.nn.init.normal_(made.head.weight, std=0.3)
    return made


def test_sliders_change_the_picture_and_only_those_named(model: Adjustable) -> None:
    style, content = model.prepare([picture(1, 1, 40, 40)]), picture(1, 3, 33, 40)
    adjusted = model.adjust(style, {"relu2_1": 0.3, "content.relu4_1": 0.0})
    expected = torch.ones(len(LAYERS))
    expected[LAYERS.index("relu2_1")], expected[LAYERS.index("content.relu4_1")] = 0.3, 0.0
    torch.testing.assert_close(adjusted.tensors[WEIGHTS][0], expected)
    assert style.tensors[WEIGHTS].eq(1).all(), "the style that was given stays"
    with torch.inference_mode():
        assert (model(content, adjusted) - model(content, style)).abs().max() > 1e-3


def test_weights_are_random_in_training_and_one_otherwise(model: Adjustable) -> None:
    exemplars, white_hot = picture(3, 1, 32, 32), torch.tensor([True, True, False])
    assert model.encode(exemplars, white_hot)[WEIGHTS].eq(1).all()
    model.train()
    drawn = model.encode(exemplars, white_hot)[WEIGHTS]
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn.std() > 0.1
    assert not torch.equal(drawn, model.encode(exemplars, white_hot)[WEIGHTS])


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_refuses_weights_out_of_range(model: Adjustable, value: float) -> None:
    with pytest.raises(InputError, match=r"weight of layer relu3_1 in \[0, 1\], got"):
        model.adjust(model.prepare([picture(1, 1, 32, 32)]), {"relu3_1": value})


def test_refuses_unknown_layers_and_models_without_sliders(model: Adjustable) -> None:
    style = model.prepare([picture(1, 1, 32, 32)])
    with pytest.raises(UnknownNameError, match="unknown layer 'relu9_1': did you mean"):
        model.adjust(style, {"relu9_1": 1})
    adain = create_model("adain", weights=None, **SMALL_THERMAL)
    with pytest.raises(InputError, match="no layer weights for model 'adain'"):
        sliders_of(adain)
