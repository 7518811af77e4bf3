from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.transforms.options import SENSOR_UNITS, InfraredOptions


def draws(options: InfraredOptions, count: int = 400) -> list[Any]:
    random = np.random.default_rng(0)
    return [options.draw(random) for _ in range(count)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strength": 1.2}, "strength"),
        ({"strength": (0.8, 0.2)}, "strength"),
        ({"strength": (0.1, 0.2, 0.3)}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"flip_probability": -0.1}, "flip_probability"),
        ({"gray_probability": 2}, "gray_probability"),
        ({"sensor_probability": float("nan")}, "sensor_probability"),
        ({"agc": "camera"}, "sensors with agc='camera'"),
        ({"agc": "linear"}, "agc to be one of"),
        ({"channels": 2}, "channels"),
        ({"precision": "float16"}, "precision"),
        ({"exemplar_polarity": "hot"}, "exemplar_polarity"),
        ({"image_seed": -1}, "image_seed"),
    ],
)
def test_rejects_values_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        InfraredOptions.of("a.png", **given)


def test_unknown_sensor_suggests_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="boson-640"):
        InfraredOptions.of("a.png", sensors="boson-64")


def test_arguments_round_trip_through_json() -> None:
    options = InfraredOptions.of(
        ["a.png", "preset:b"], strength=(0.2, 0.9), sensors=["boson-640"], exemplar_range=(10, 20), image_seed=3
    )
    assert InfraredOptions.of(**json.loads(json.dumps(options.arguments()))) == options


def test_draws_follow_the_probabilities() -> None:
    options = InfraredOptions.of(
        ["a", "b", "c"],
        strength=(0.25, 0.75),
        flip_probability=0.25,
        gray_probability=0.5,
        sensors=["boson-640", "lepton-3.5"],
        sensor_probability=0.4,
    )
    found = draws(options)
    translated = [draw for draw in found if draw.style is not None]
    assert 0.42 < 1 - len(translated) / len(found) < 0.58
    assert {draw.style for draw in translated} == {0, 1, 2}
    assert 0.15 < sum(draw.inverted for draw in translated) / len(translated) < 0.35
    observed = [draw for draw in translated if draw.camera is not None]
    assert 0.28 < len(observed) / len(translated) < 0.52
    assert {draw.camera for draw in observed} == {0, 1}
    assert {draw.unit for draw in observed} == set(range(SENSOR_UNITS))
    assert len({draw.frame for draw in translated}) == len(translated)
    strengths = [draw.strength for draw in translated]
    assert 0.25 <= min(strengths) < 0.3
    assert 0.7 < max(strengths) <= 0.75


def test_gain_control_alone_is_always_applied() -> None:
    options = InfraredOptions.of("a", agc="percentile", sensor_probability=0)
    assert {draw.camera for draw in draws(options, 20)} == {0}


def test_options_do_not_affect_each_others_draws() -> None:
    plain, flipped = (draws(InfraredOptions.of(["a", "b"], flip_probability=p), 50) for p in (0, 1))
    assert [draw.style for draw in plain] == [draw.style for draw in flipped]
    assert [draw.frame for draw in plain] == [draw.frame for draw in flipped]
