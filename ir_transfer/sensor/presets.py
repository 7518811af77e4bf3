"""Reads sensor files: bundled presets and user files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.resources import resource
from ir_transfer.sensor.model import SensorModel
from ir_transfer.sensor.ranges import check_ranges
from ir_transfer.yaml_fields import fill, read_mapping

KINDS = ("datasheet", "reported", "derived", "assumed")
"""First word of every provenance: from the maker's document; reported by a third party; computed from such values; our
assumption."""


def list_sensors() -> list[str]:
    """Return the names of the bundled presets."""
    return sorted(path.stem for path in resource("configs/sensor").glob("*.yaml"))


def load_sensor(name: str | Path) -> SensorModel:
    """Read a bundled preset by name, or any sensor file by its path (which ends in ``.yaml`` or ``.yml``).

    Raises:
        UnknownNameError: No preset of that name (the message lists the closest ones), or an unknown key.
        MissingFileError: No such file.
        InputError: A value of the wrong type or out of range, or inconsistent values.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        if str(name) not in (known := list_sensors()):
            raise UnknownNameError.among("sensor", str(name), known)
        path = resource("configs/sensor") / f"{name}.yaml"
    raw = read_mapping(path, "sensor", "see ir-transfer sensors")
    if "name" in raw:
        raise InputError(f"expected no key 'name' in {path}: remove it, the sensor is named after its file")
    model = dataclasses.replace(fill(SensorModel, raw, str(path)), name=path.stem)
    check_ranges(model, str(path))
    _check_fit(model, str(path))
    _check_provenance(model, f"{path}: provenance")
    return model


def _check_fit(model: SensorModel, where: str) -> None:
    temporal, bad, adc, agc = model.temporal, model.bad_pixels, model.adc, model.agc
    if temporal is not None and (temporal.netd_mk is None) != (temporal.span_kelvin is None):
        raise InputError(f"expected both netd_mk and span_kelvin in {where}: temporal, or neither, got one of them")
    if bad is not None and bad.dead + bad.hot > 0.1:
        raise InputError(f"expected {where}: bad_pixels: dead + hot up to 0.1, got {bad.dead + bad.hot:g}")
    if adc is not None and not adc.low < adc.high:
        raise InputError(f"expected {where}: adc: low below high, got {adc.low:g} and {adc.high:g}")
    if not agc.low < agc.high:
        raise InputError(f"expected {where}: agc: low below high, got {agc.low:g} and {agc.high:g}")


def _check_provenance(model: SensorModel, where: str) -> None:
    for key, text in model.provenance.items():
        stage, _, value = str(key).partition(".")
        part = getattr(model, stage, None)
        if part is None or stage in {"provenance", "name"} or (value and not hasattr(part, value)):
            raise InputError(f"expected the keys of values that this file sets in {where}, got {key!r}")
        if not isinstance(text, str) or text.partition(":")[0] not in KINDS:
            raise InputError(f"expected {where}: {key} to begin with one of {', '.join(KINDS)} and ':', got {text!r}")
