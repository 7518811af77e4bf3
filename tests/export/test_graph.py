"""The traced graph equals the model at any size and overview factor."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.errors import InputError
from ir_transfer.export.graph import TracedGraph
from ir_transfer.export.trace import inverted, require_exportable
from ir_transfer.models import thermal
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.models.wct2 import model as wct2
from ir_transfer.nn.thermal.overview import encoded_size
from tests.models.small_thermal import scene, small_thermal

NAMES = ("adain", "wct2")
SIZES = ((16, 16), (17, 33), (35, 60), (64, 70), (80, 110), (231, 210), (250, 303))


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ThermalModel:
    """Return a system with overviews of at most 5,000 pixels and encoder's images of 3,000: small images differ."""
    monkeypatch.setattr(thermal, "OVERVIEW_PIXELS", 5000)
    monkeypatch.setattr(wct2, "OVERVIEW_PIXELS", 5000)
    monkeypatch.setattr("ir_transfer.export.graph.LARGEST_IMAGE", 2**17)
    for module in ("nn.thermal.overview", "export.overview"):
        monkeypatch.setattr(f"ir_transfer.{module}.ENCODED_PIXELS", 3000)
    return small_thermal(request.param)


def style_of(model: ThermalModel, white_hot: bool = True) -> StyleCode:
    return model.prepare([scene(60, 80, 1, channels=1)], white_hot=white_hot)


@torch.inference_mode()
def test_graph_equals_the_model_at_every_size_and_strength(model: ThermalModel) -> None:
    style = style_of(model, white_hot=False)
    graph = TracedGraph(model, tuple(style.tensors), style.tensors)
    factors, scales = set(), set()
    for height, width in SIZES:
        factors.add(factor := model.overview_factor(height, width))
        scales.add(encoded_size(height // factor, width // factor)[0] / (height // factor))
        for strength in (1.0, 0.3):
            image = scene(height, width, height)
            found = graph(image, torch.tensor([strength]))
            torch.testing.assert_close(found, model(image, style, strength), atol=5e-4, rtol=0)
            assert found.std() > 0.02
    assert len(factors) >= 3
    assert min(scales) < 1 < max(scales)


@torch.inference_mode()
def test_style_inputs_and_baked_styles_agree(model: ThermalModel) -> None:
    style, names = style_of(model), tuple(sorted(style_of(model).tensors))
    baked = TracedGraph(model, names, style.tensors)(scene(50, 60), torch.ones(1))
    passed = TracedGraph(model, names)(scene(50, 60), torch.ones(1), *(style.tensors[name] for name in names))
    torch.testing.assert_close(baked, passed)


@torch.inference_mode()
def test_inverted_style_gives_the_negative(model: ThermalModel) -> None:
    style = style_of(model)
    one, other = model(scene(50, 60), style), model(scene(50, 60), inverted(style))
    torch.testing.assert_close(other, 1 - one, atol=1e-6, rtol=0)
    assert inverted(style).white_hot is not style.white_hot


def test_unsupported_operations_are_refused() -> None:
    model = small_thermal("adain")
    model.configure({"alignment": "coral"})
    with pytest.raises(InputError, match="alignment=moments"):
        require_exportable(model)


def test_patch_search_is_rejected() -> None:
    with pytest.raises(InputError, match="style_swap"):
        require_exportable(small_thermal("style_swap"))


def test_model_without_overview_is_rejected() -> None:
    from ir_transfer import create_model

    with pytest.raises(InputError, match="compact system"):
        require_exportable(create_model("gray"))
