"""The shipped weights pass the gates of the training on rendered scenes."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.data.render.pictures import render
from ir_transfer.evaluation.metrics.highpass import highpass_correlation
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.training.gates import Gate, network_gates, score_gates

SHIPPED = ("adain-lwir", "wct2-lwir")


@cache
def scenes() -> list[tuple[Tensor, Tensor]]:
    """Photographs (1, 3, H, W) and infrared pictures (1, 1, H, W): two by day, one by night."""
    found = []
    for seed, night in ((1000, False), (1001, True), (1002, False)):
        rendered = render(seed, 0, size=(320, 256), band="lwir", night=night)
        found.append(
            (torch.from_numpy(rendered.rgb.transpose(2, 0, 1).copy())[None], torch.from_numpy(rendered.ir)[None, None])
        )
    return found


@cache
def shipped(name: str) -> TranslationModel:
    return create_model(name.partition("-")[0], weights=name).eval()


@cache
def gates(name: str) -> dict[str, Gate]:
    model = shipped(name)

    def styles() -> list[StyleCode]:
        return [model.prepare([infrared], white_hot=True) for _, infrared in scenes()[:2]]

    return {gate.name: gate for gate in network_gates(model, [photograph for photograph, _ in scenes()], styles)}


@pytest.mark.parametrize("gate", ["dead_layers", "context_reach"])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_layer_lives_and_far_surroundings_matter(name: str, gate: str) -> None:
    assert gates(name)[gate].passed, gates(name)[gate]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_photograph_is_not_embossed(name: str) -> None:
    model, found = shipped(name), []
    for photograph, infrared in scenes():
        with torch.inference_mode():
            output = model(photograph, model.prepare([infrared], white_hot=True))
        found.append(highpass_correlation(output, rgb_to_grayscale(photograph)).item())
    (gate,) = score_gates({"rendered": {"luma_highpass": sum(found) / len(found)}}, "lwir")
    assert gate.passed, gate
