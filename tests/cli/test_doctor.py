from __future__ import annotations

import json
from importlib import metadata

import pytest

from ir_transfer.cli import main
from ir_transfer.diagnosis import packages
from ir_transfer.diagnosis.check import Check


def test_complete_installation_passes_every_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_LEAST_MEMORY", 1)  # other tests may have it
    assert main(["doctor", "--device", "cpu", "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["healthy"] is True
    statuses = {check["name"]: check["status"] for check in found["checks"]}
    assert statuses["torch"] == statuses["self-test"] == statuses["weights adain-lwir"] == statuses["memory"] == "ok"
    assert found["versions"]["torch"] == metadata.version("torch")
    assert "self-test: 160 x 120 converted twice" in said.err


def test_failed_check_exits_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Check("torch", "failed", "1.0, expected >=2.9", "pip install 'torch>=2.9'")
    monkeypatch.setattr(packages, "check_packages", lambda: [broken])
    assert main(["doctor", "--no-self-test"]) == 1
    said = capsys.readouterr().out
    assert "failed  torch: 1.0, expected >=2.9 (pip install 'torch>=2.9')" in said
    assert "1 of" in said.splitlines()[-1]
    assert "self-test:" not in said
