"""The bundled weights pass the training gates on rendered scenes."""

from __future__ import annotations

import json
from functools import cache
from statistics import mean

import pytest
import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.metrics.correlation import highpass_correlation
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.synthetic.images import render
from ir_transfer.training.gates import Gate, network_gates, score_gates

SHIPPED = ("adain-lwir", "wct2-lwir")


@cache
def scenes() -> list[tuple[Tensor, Tensor]]:
    """RGB images (1, 3, H, W) and infrared images (1, 1, H, W): two by day, one by night."""
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


@pytest.mark.parametrize("name", SHIPPED)
def test_no_layer_is_dead_and_context_is_used(name: str) -> None:
    assert gates(name)["dead_layers"].passed, gates(name)["dead_layers"]
    # Rendered scenes are nearly their own mirror images: half of what RGB images must reach.
    assert gates(name)["context_reach"].value > 0.01


@pytest.mark.parametrize("name", SHIPPED)
def test_training_gates_were_passed(name: str) -> None:
    """Except for the detail correlation with the ground truth, which no weights reach on poorly registered pairs."""
    scores = json.loads(shipped(name).metadata["scores"])
    assert scores["gates/dead_layers"] == 0
    assert scores["gates/context_reach"] >= 0.02
    embossing = [value for key, value in scores.items() if key.endswith("/luma_highpass") and "gates/" in key]
    assert len(embossing) == 3
    assert max(map(abs, embossing)) <= 0.3


@pytest.mark.parametrize("name", SHIPPED)
@torch.inference_mode()
def test_detail_is_that_of_the_ground_truth_and_not_embossed(name: str) -> None:
    model, luma_highpass, truth_highpass = shipped(name), [], []
    for photograph, infrared in scenes():
        output, luma = model(photograph, model.prepare([infrared], white_hot=True)), rgb_to_grayscale(photograph)
        # A rendered sky is bright and cold, so that the ground truth's own correlation is -.27.
        own = highpass_correlation(infrared, luma)
        luma_highpass.append((highpass_correlation(output, luma) - own).item())
        truth_highpass.append(highpass_correlation(output, infrared).item())
    scores = {"luma_highpass": mean(luma_highpass), "truth_highpass": mean(truth_highpass)}
    found = score_gates({"rendered": scores}, "lwir")
    assert len(found) == 2
    assert all(gate.passed for gate in found), found
