from __future__ import annotations

import json

import pytest

from ir_transfer import list_models
from ir_transfer.cli import main


def test_table_names_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("name")
    assert all(any(line.startswith(f"{name} ") for line in text.splitlines()) for name in list_models())
    assert "arXiv:1703.06868" in text


def test_json_and_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ada*", "--json"]) == 0
    (adain,) = json.loads(capsys.readouterr().out)
    assert adain["name"] == "adain"
    assert adain["bands"] == ["lwir", "nir"]
    assert adain["weights"].keys() == {"adain-lwir", "adain-nir"}
    assert main(["models", "zzz*"]) == 2
