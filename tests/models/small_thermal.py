"""Compact systems of a few thousand parameters, whose untrained networks make images with contrast and detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder, standardised

SMALL_THERMAL: Mapping[str, Any] = {
    "encoder_widths": (4, 6, 8, 8, 8), "encoder_depths": (0, 1, 1, 1, 1), "head_width": 8,
    "widths": (8, 8, 8, 8), "depths": (1, 1, 1, 1), "exemplar_widths": (4, 6, 8, 8),
}  # fmt: skip
SMALL_LOOKS = {name: value for name, value in SMALL_THERMAL.items() if name != "exemplar_widths"}
"""The same for systems of fixed styles, which have no encoder of exemplars."""


def scene(height: int, width: int, seed: int = 0, channels: int = 3) -> Tensor:
    """Return a smooth random image (1, C, H, W) with noise and a slope, so that no two parts are alike."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(1, channels, 4, 5, generator=generator), (height, width), mode="bilinear")
    slope = torch.linspace(0, 0.3, height)[:, None] + torch.linspace(0, 0.3, width)
    return (0.6 * coarse + slope + 0.05 * torch.randn(coarse.shape, generator=generator)).clamp(0, 1)


def small_thermal(name: str, seed: int = 0, **changes: Any) -> ThermalModel:
    """Return a small compact system in evaluation mode, with random weights whose maps have a deviation of 1."""
    torch.manual_seed(seed)
    model = create_model(name, weights=None, **{**SMALL_THERMAL, **changes}).eval()
    assert isinstance(model, ThermalModel)
    _vary_exemplar_features(model)
    heads = [head for key in ("to_thermal", "to_detail", "to_gates") if (head := _head(model, key))]
    with torch.no_grad():
        style = model.encode(scene(60, 80, 1, channels=1), torch.tensor([True]))
        levels = model.neck(model.encoder(scene(96, 128)), _aligner(model, style))
        for head, level in zip(heads, levels[:2], strict=True):
            deviation = head(level).std()
            head.weight.div_(deviation)
            assert head.bias is not None
            head.bias.div_(deviation)
    return model


@torch.no_grad()
def _vary_exemplar_features(model: ThermalModel) -> None:
    encoder = model.exemplar_encoder
    assert isinstance(encoder, ExemplarEncoder)
    for project, features in zip(encoder.project, encoder(standardised(scene(60, 80, 1, channels=1))), strict=True):
        assert isinstance(project, nn.Conv2d)
        project.weight.div_(features.std((2, 3))[0, :, None, None, None])


def _head(model: ThermalModel, name: str) -> nn.Conv2d | None:
    found = getattr(model.detail, name, None)
    assert found is None or isinstance(found, nn.Conv2d)
    return found


def _aligner(model: ThermalModel, style: Mapping[str, Tensor]) -> Any:
    return lambda level, features: model.align(level, features, model.measure(features), style)
