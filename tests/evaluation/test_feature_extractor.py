"""An image is encoded once, or twice if it must be cropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.feature_extractor import extract_features, network_name
from ir_transfer.metrics.distribution import patch_area, pooled_patches
from ir_transfer.metrics.features import unit_length
from ir_transfer.nn.perceptual import PerceptualEncoder


@pytest.mark.parametrize(("sides", "passes"), [((80, 96), 1), ((81, 96), 2)])
@torch.inference_mode()
def test_features_equal_those_of_the_individual_metrics(sides: tuple[int, int], passes: int) -> None:
    encoder, image, calls = PerceptualEncoder((4, 8, 8, 8, 8)), torch.rand(1, 1, *sides), []
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    look = extract_features(encoder, image)
    hook.remove()
    assert len(calls) == passes
    for found, expected in zip(
        look.patches, pooled_patches(unit_length(list(encoder(patch_area(image)).values()))), strict=True
    ):
        assert np.array_equal(found, expected)
    for unit, level in zip(look.units, unit_length(list(encoder(image).values())), strict=True):
        assert torch.equal(unit, level)


def test_network_names_are_derived_from_the_file(tmp_path: Path) -> None:
    assert network_name("some/compact.safetensors") == "compact"
    assert network_name(str(tmp_path / "vgg19-16x" / "encoder.safetensors")) == "vgg19-16x"
    assert network_name("torchvision") == "vgg19-torchvision"
