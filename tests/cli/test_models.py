from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_transfer import list_models
from ir_transfer.cli import main
from ir_transfer.resources import resource
from ir_transfer.tracking.store import connect
from tests.evaluation.street_scene import write_pairs
from tests.tracking.registered import register


def test_table_names_every_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("name")
    assert all(any(line.startswith(f"{name} ") for line in text.splitlines()) for name in list_models())
    assert "arXiv:1703.06868" in text


def test_json_output_and_name_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ada*", "--json"]) == 0
    (adain,) = json.loads(capsys.readouterr().out)
    assert adain["name"] == "adain"
    assert adain["bands"] == ["lwir", "nir"]
    assert adain["weights"].keys() == {"adain-lwir", "adain-nir"}
    assert main(["models", "--json", "ada*"]) == 0
    assert json.loads(capsys.readouterr().out) == [adain]
    assert main(["models", "zzz*"]) == 2


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "-h"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("list", "registered", "promote"))


def test_registered_requires_a_tracking_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "registered", "--tracking-uri", f"sqlite:///{tmp_path / 'none.db'}"]) == 2
    assert "train a model first" in capsys.readouterr().err


def test_worse_candidate_is_not_promoted(tracking_uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client, store = connect(tracking_uri), ["--tracking-uri", tracking_uri]
    assert main(["models", "registered", *store]) == 0
    assert "no registered models" in capsys.readouterr().out
    trained = register(client, tmp_path, weights=resource("weights/adain-lwir.safetensors"))
    client.set_registered_model_alias("adain-lwir", "champion", trained.version)
    register(client, tmp_path, seed=0)
    root = write_pairs(tmp_path / "set", 2)
    command = ["models", "promote", "adain-lwir", "--data", str(root), "--exemplar", str(root / "exemplar.png"), *store]
    assert main([*command, "--device", "cpu"]) == 1
    text = capsys.readouterr().out
    assert "against adain adain-lwir-1: worse\nadain-lwir version 2: not promoted\n" in text
    assert "Ranking" in text
    assert client.get_registered_model("adain-lwir").aliases == {"candidate": 2, "champion": 1}
    assert main(["models", "registered", "--json", *store]) == 0
    newest, oldest = json.loads(capsys.readouterr().out)
    assert (newest["aliases"], oldest["aliases"]) == ("candidate", "champion")
    assert newest["composite"] < oldest["composite"]
    assert main(["models", "registered", *store]) == 0
    assert capsys.readouterr().out.startswith("name")
    assert main([*command[:2], "adain-nir", *command[3:]]) == 2
    assert "did you mean 'adain-lwir'" in capsys.readouterr().err
