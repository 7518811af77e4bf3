"""Probes on networks with known results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.evaluation.probes import context_reach, dead_shares
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo


class Made(TranslationModel):
    """A model that wraps any network."""

    def __init__(self, network: nn.Module | Callable[[Tensor], Tensor]) -> None:
        super().__init__(ModelInfo("made", "", "", f"{__name__}:Made", needs_weights=False))
        self.network = network

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        return {"mean": exemplars.mean((2, 3))}

    def translate(self, content: Tensor, style: Mapping[str, Tensor], strength: Any, statistics: Any) -> Tensor:
        return self.network(content)


def photographs(count: int = 2, height: int = 200, width: int = 260) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    coarse = [torch.rand(1, 3, 8, 10, generator=random) for _ in range(count)]
    return [F.interpolate(image, (height, width), mode="bilinear") for image in coarse]


def shares(model: TranslationModel) -> dict[str, float]:
    model.eval()
    style = model.prepare([torch.rand(1, 1, 32, 32)])
    return dead_shares(model, photographs(), lambda: [style])


class FunctionalRelu(nn.Module):
    """A functional activation, which has no hook, between two convolutions."""

    def __init__(self, dead: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 1, 3, padding=1)
        with torch.no_grad():
            self.first.bias.fill_(3.0)  # type: ignore[union-attr]
            self.first.bias[:dead] = -100.0  # type: ignore[index]

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.second(F.relu(self.first(x))))


@pytest.mark.parametrize("dead", [0, 2, 8])
def test_channels_that_never_activate_are_dead(dead: int) -> None:
    found = shares(Made(FunctionalRelu(dead)))
    assert found["network.second (input)"] == dead / 8
    assert found["network.first"] == 0  # they vary before the activation


def test_activation_modules_are_hooked_and_hooks_removed_afterwards() -> None:
    first = nn.Conv2d(3, 4, 1)
    network = nn.Sequential(first, nn.ReLU(), nn.Conv2d(4, 1, 1))
    assert first.bias is not None
    with torch.no_grad():
        first.bias.copy_(torch.tensor([-50.0, 3.0, 3.0, 3.0]))
    model = Made(network)
    assert shares(model)["network.1"] == 0.25
    assert not any(module._forward_hooks for module in model.modules())


def test_channel_that_varies_only_between_images_is_alive() -> None:
    class Level(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(self.conv(x.mean((1, 2, 3), keepdim=True).expand(-1, 1, *x.shape[-2:])))

    assert shares(Made(Level()))["network.conv (input)"] == 0


def reach(function: Callable[[Tensor], Tensor], height: int = 200, width: int = 260) -> float | None:
    model = Made(function).eval()
    style = model.prepare([torch.rand(1, 1, 32, 32)])
    return context_reach(model, photographs(2, height, width), style)


def test_reach_distinguishes_local_from_global_networks() -> None:
    local = reach(lambda x: F.avg_pool2d(x.mean(1, keepdim=True), 33, 1, 16))
    assert local is not None and local < 1e-6
    mirrored = reach(lambda x: x.mean(1, keepdim=True).flip(3))
    assert mirrored is not None and mirrored > 0.02


def test_global_tone_curve_is_not_spatial_context() -> None:
    def equalised(x: Tensor) -> Tensor:
        luma = x.mean(1, keepdim=True)
        return 0.5 + 0.25 * (luma - luma.mean((2, 3), keepdim=True)) / luma.std((2, 3), keepdim=True)

    found = reach(equalised)
    assert found is not None and found < 0.02


def test_reach_is_undefined_for_small_images() -> None:
    assert reach(lambda x: x.mean(1, keepdim=True), 80, 100) is None
