from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from ir_transfer.cli import main


def test_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensors"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("boson-640"))
    assert "640x512" in line
    assert "40 mK" in line
    assert main(["sensors", "--json"]) == 0
    assert [s["adc"]["bits"] for s in json.loads(capsys.readouterr().out) if s["name"] == "lepton-3.5"] == [14]


def test_shows_a_preset_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensors", "lepton-3.5"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["sampling"]["width"] == 160
    assert shown["provenance"]["temporal.netd_mk"].startswith("datasheet: FLIR Systems, Lepton")


def test_validates_a_user_defined_sensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("adc: {bits: 14}\n")
    assert main(["sensors", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["adc"] == {"bits": 14, "low": 0.0, "high": 1.0}
    path.write_text("adc: {bits: 15}\n")
    assert main(["sensors", str(path)]) == 2
    assert "adc: bits to be one of 8, 10, 12, 14, 16, got 15" in capsys.readouterr().err
