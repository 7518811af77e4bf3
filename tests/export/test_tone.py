"""Tone mapping in a traced graph."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.export.graph import traced_apply_tone, traced_sample, traced_tone_of
from ir_transfer.nn.thermal.tone import Tone, apply_tone, tone_of
from tests.models.small_thermal import scene


def sampled_tone(image: torch.Tensor) -> Tone:
    height, width = (torch.tensor(size) for size in image.shape[-2:])
    return traced_tone_of(traced_sample(image, height, width))


@pytest.mark.parametrize("size", [(16, 16), (90, 121), (600, 620)])
def test_tone_is_sampled_on_the_same_grid(size: tuple[int, int]) -> None:
    image = scene(*size, channels=1)
    for found, wanted in zip(sampled_tone(image), tone_of(image), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_curve_passes_through_the_knots_and_extrapolates() -> None:
    image, other = scene(60, 70, 1, channels=1), 0.2 + 0.5 * scene(50, 60, 2, channels=1).square()
    own, wanted = tone_of(image), tone_of(other)
    wider = torch.cat([image - 0.5, image, image + 0.7], dim=2)
    found = traced_apply_tone(wider, own, wanted)
    torch.testing.assert_close(found, apply_tone(wider, own, wanted), atol=1e-5, rtol=0)


def test_value_on_a_knot_belongs_to_the_segment_below() -> None:
    image = scene(60, 70, 1, channels=1)
    own, wanted = tone_of(image), tone_of(scene(50, 60, 2, channels=1))
    knots = own.quantiles.view(1, 1, 1, -1)
    torch.testing.assert_close(traced_apply_tone(knots, own, wanted), apply_tone(knots, own, wanted), atol=1e-5, rtol=0)


def test_flat_image_gives_the_target_tone_without_nan() -> None:
    flat = torch.full((1, 1, 20, 20), 0.4)
    wanted = tone_of(scene(50, 60, 2, channels=1))
    found = traced_apply_tone(flat, sampled_tone(flat), wanted)
    torch.testing.assert_close(found, apply_tone(flat, tone_of(flat), wanted), atol=1e-5, rtol=0)
