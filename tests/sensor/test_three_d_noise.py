"""Noise of known components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ir_transfer.errors import InputError
from tests.sensor.three_d_noise import Noise, measure_noise

SIZES = {
    "pixel": (20, 96, 80),
    "row": (20, 96, 1),
    "column": (20, 1, 80),
    "frame": (20, 1, 1),
    "fixed_pixel": (1, 96, 80),
    "fixed_row": (1, 96, 1),
    "fixed_column": (1, 1, 80),
}


def frames(**sigmas: float) -> Any:
    """Frames with components of exactly the standard deviations."""
    random = np.random.default_rng(0)
    total = np.zeros(SIZES["pixel"])
    for name, sigma in sigmas.items():
        part = random.standard_normal(SIZES[name])
        total += sigma * part / part.std(ddof=1)
    return total


@pytest.mark.parametrize("name", SIZES)
def test_single_component_is_recovered(name: str) -> None:
    found = measure_noise(0.5 + frames(**{name: 0.02}))
    assert getattr(found, name) == pytest.approx(0.02, rel=0.03)
    for other in set(SIZES) - {name}:
        assert getattr(found, other) < 0.003


def test_components_are_separated() -> None:
    set_to = {"pixel": 0.01, "row": 0.004, "column": 0.006, "fixed_pixel": 0.008, "fixed_row": 0.005, "frame": 0.003}
    found = measure_noise(frames(**set_to))
    for name, sigma in set_to.items():
        assert getattr(found, name) == pytest.approx(sigma, rel=0.1)
    assert found.fixed_column < 0.001


def test_few_frames_do_not_make_temporal_noise_fixed() -> None:
    found = measure_noise(frames(pixel=0.01)[:2])
    assert found.pixel == pytest.approx(0.01, rel=0.03)
    assert found.fixed < 0.002


def test_known_scene_is_subtracted() -> None:
    scene = np.random.default_rng(1).random((96, 80))
    stack = frames(pixel=0.01, fixed_pixel=0.02) + scene
    assert measure_noise(stack).fixed > 0.2
    assert measure_noise(stack, scene).fixed == pytest.approx(0.02, rel=0.03)


def test_sums_and_netd() -> None:
    noise = Noise(0.003, 0.004, 0, 0, 0.006, 0.008, 0)
    assert noise.temporal == pytest.approx(0.005)
    assert noise.fixed == pytest.approx(0.01)
    assert noise.netd_mk(20) == pytest.approx(60)


def test_invalid_shapes_are_rejected() -> None:
    for shape in ((4, 4), (1, 4, 4), (4, 4, 1)):
        with pytest.raises(InputError, match="at least 2 x 2 x 2"):
            measure_noise(np.zeros(shape))
    with pytest.raises(InputError, match=r"\(4, 5\)"):
        measure_noise(np.zeros((3, 4, 5)), np.zeros((5, 4)))
