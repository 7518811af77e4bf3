"""Sensor files: presets, provenance, and errors in user files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ir_transfer.errors import InputError, IrTransferError, MissingFileError, UnknownNameError
from ir_transfer.resources import resource
from ir_transfer.sensor import Camera, SensorModel, list_sensors, load_sensor
from ir_transfer.sensor.agc import Agc
from ir_transfer.sensor.model import Adc, BadPixels, Drift, Fixed, Optics, Sampling, Temporal

PRESETS = [
    *("boson-320", "boson-640", "ideal", "lepton-2.5", "lepton-3.5"),
    *("mt9v034-nir", "neutrino-mwir", "tau2-640"),
]

STAGES: dict[str, Any] = {
    "sampling": Sampling,
    "optics": Optics,
    "fixed": Fixed,
    "temporal": Temporal,
    "drift": Drift,
    "bad_pixels": BadPixels,
    "adc": Adc,
    "agc": Agc,
}


def test_every_preset_is_bundled() -> None:
    assert list_sensors() == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_value_has_a_source(name: str) -> None:
    sensor = load_sensor(name)
    raw = yaml.safe_load((resource("configs/sensor") / f"{name}.yaml").read_text())
    assert sensor.name == name
    assert sensor.description
    untold = []
    for stage, values in raw.items():
        if isinstance(values, dict) and stage != "provenance":
            keys = [f"{stage}.{key}" for key, value in values.items() if value]
            untold += [key for key in keys if stage not in sensor.provenance and key not in sensor.provenance]
    assert untold == []
    assert json.loads(json.dumps(sensor.look()))["name"] == name


def test_look_contains_exactly_the_fields_that_affect_pixels() -> None:
    look = load_sensor("boson-640").look()
    assert look["temporal"]["netd_mk"] == 40
    assert look["sampling"] == {"width": 640, "height": 512, "pixel_aspect": 1.0}
    assert set(look) == {field.name for field in dataclasses.fields(SensorModel)} - {"description", "provenance"}


@pytest.mark.parametrize("name", PRESETS)
def test_preset_simulates_an_image(name: str) -> None:
    sensor = load_sensor(name)
    image = np.random.default_rng(0).random((40, 60), dtype=np.float32)
    measured = Camera(sensor, 40, 60, 0).observe(image, 0)
    assert measured.shape == (40, 60)
    assert sensor.agc.apply(measured).shape == (40, 60)


def test_readme_explains_every_key_and_its_range() -> None:
    lines = (resource("configs/sensor") / "README.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| ")]
    explained: dict[str, str] = {}
    stage = ""
    for row in rows:
        stage = row[1].strip(" `") or stage
        for key in row[2].split(","):
            explained[f"{stage}.{key.strip(' `')}"] = row[3].replace(",", "")
    for name, model in STAGES.items():
        for entry in dataclasses.fields(model):
            low, high = entry.metadata.get("range", (None, None))
            text = explained[f"{name}.{entry.name}"]
            assert low is None or f"{low:g}".replace("e-0", "e-") in text
            assert high is None or any(
                form in text for form in (f"{high:g}", f"{high:.0f}", f"{high:.0e}".replace("e+0", "e"))
            )
    assert {name for name in PRESETS if not any(f"`{name}`" in line for line in lines)} == set()


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_loads_a_user_defined_sensor(tmp_path: Path) -> None:
    sensor = load_sensor(write(tmp_path, {"adc": {"bits": 8}, "optics": None}))
    assert (sensor.name, sensor.adc and sensor.adc.bits, sensor.temporal) == ("mine", 8, None)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({"adc": {"bit": 8}}, UnknownNameError, r"mine\.yaml: adc 'bit'.*'bits'"),
        ({"optic": {}}, UnknownNameError, "'optics'"),
        ({"adc": {"bits": 9}}, InputError, r"adc: bits to be one of 8, 10.*got 9"),
        ({"adc": {"bits": 8, "low": 0.6, "high": 0.6}}, InputError, "low below high"),
        ({"agc": {"low": 0.6, "high": 0.5}}, InputError, "agc: low below high"),
        ({"sampling": {"width": 640}}, InputError, "'height'"),
        ({"sampling": {"width": 640, "height": 2}}, InputError, r"sampling: height from 16 to 16384, got 2"),
        ({"sampling": {"width": "640", "height": 512}}, InputError, "width to be int"),
        ({"fixed": {"gain": -0.1}}, InputError, r"mine\.yaml: fixed: gain from 0 to 0.5, got -0.1"),
        ("fixed: {gain: .nan}", InputError, "gain from 0 to 0.5, got nan"),
        ("drift: {shutter_frames: 1, level: .inf}", InputError, "level from -0.5 to 0.5, got inf"),
        ({"temporal": {"netd_mk": 40}}, InputError, "both netd_mk and span_kelvin"),
        ({"bad_pixels": {"dead": 0.08, "hot": 0.08}}, InputError, "dead"),
        ({"name": "x"}, InputError, "no key 'name'"),
        ({"provenance": {"adc.bits": "assumed: x"}}, InputError, "'adc.bits'"),
        ({"adc": {"bits": 8}, "provenance": {"adc.bits": "I know"}}, InputError, "begin with one of datasheet"),
        ("adc: !!python/object/apply:os.getcwd []", InputError, "YAML"),
        ("- a", InputError, "mapping"),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, content: Any, error: type[IrTransferError], message: str) -> None:
    with pytest.raises(error, match=message):
        load_sensor(write(tmp_path, content))


def test_unknown_preset_and_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'boson-640'"):
        load_sensor("bosson-640")
    with pytest.raises(MissingFileError, match=r"no\.yaml"):
        load_sensor(tmp_path / "no.yaml")
