"""Compact systems of a few thousand parameters, whose untrained networks make images with contrast and detail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder, standardised

SMALL_THERMAL: Mapping[str, Any] = {
    "fills_hidden": True,  # as in long wave, whose map takes more steps
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
    """Return a small compact system in evaluation mode with random, well-conditioned weights."""
    torch.manual_seed(seed)
    model = create_model(name, weights=None, **{**SMALL_THERMAL, **changes}).eval()
    assert isinstance(model, ThermalModel)
    return conditioned(model)


@torch.no_grad()
def conditioned(model: ThermalModel) -> ThermalModel:
    """Scale random weights in place, so that features and maps have a deviation of 1.

    The features of random weights hardly vary over an image (by 1e-3 of their mean at stride 32), so that the neck's
    alignment would magnify rounding to 1e-4.
    """
    image, exemplar = scene(96, 128), standardised(scene(60, 80, 1, channels=1))
    _standardise(model.encoder, lambda: model.encoder(image))
    encoder = getattr(model, "exemplar_encoder", None)
    if isinstance(encoder, ExemplarEncoder):
        _standardise(encoder, lambda: encoder(exemplar))
        style = model.encode(exemplar, torch.tensor([True]))
    else:
        assert isinstance(model, FixedStyles)
        style = model.encode_styles(torch.tensor([0]), torch.tensor([True]))
    levels = model.neck(model.encoder(image), _aligner(model, style))
    for head, level in ((model.detail.to_thermal, levels[0]), (_fine_head(model), levels[1])):
        assert isinstance(head, nn.Conv2d)
        assert head.bias is not None
        deviation = head(level).std()
        head.weight.div_(deviation)
        head.bias.div_(deviation)
    return model


def _standardise(network: nn.Module, run: Callable[[], object]) -> None:
    """Scale every convolution in the order of a run (after Mishkin and Matas 2016): deviation 1, its bias as mean."""

    def scale(conv: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        mean, deviation = output.mean((0, 2, 3)), output.std((0, 2, 3))
        wanted = conv.bias.clone()
        conv.weight.div_(deviation[:, None, None, None])
        conv.bias.sub_(mean).div_(deviation).add_(wanted)
        shape = (-1, 1, 1)
        return (output - mean.view(shape)) / deviation.view(shape) + wanted.view(shape)

    hooks = [module.register_forward_hook(scale) for module in network.modules() if isinstance(module, nn.Conv2d)]
    run()
    for hook in hooks:
        hook.remove()


def _fine_head(model: ThermalModel) -> object:
    return getattr(model.detail, "to_detail", None) or getattr(model.detail, "to_gates", None)


def _aligner(model: ThermalModel, style: Mapping[str, Tensor]) -> Any:
    return lambda level, features: model.align(level, features, model.measure(features), style)
