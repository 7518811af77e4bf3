from __future__ import annotations

import enum
import json
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import COMMANDS, ir_transfer, main
from ir_transfer.cli.result import plain
from ir_transfer.json_files import json_text
from tests.conftest import photograph


class _Kind(enum.StrEnum):
    ONE = "one"


@dataclass(frozen=True)
class _Found:
    path: Path
    scores: dict[int, float]
    kind: _Kind = _Kind.ONE


def test_values_are_converted_to_json_types() -> None:
    content = _Found(Path("a") / "b", {1: math.nan, 2: 0.5, 3: math.inf})
    assert json.loads(json_text(plain(content))) == {
        "path": "a/b",
        "scores": {"1": None, "2": 0.5, "3": None},
        "kind": "one",
    }
    assert plain((np.float32(0.5), np.arange(2), {"b", "a"}, True)) == [0.5, [0, 1], ["a", "b"], True]
    with pytest.raises(TypeError, match="object"):
        plain(object())


def _leaves(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    if not isinstance(command, click.Group) or command.invoke_without_command:
        found.append((path, command))
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            found += _leaves(below, (*path, name))
    return found


def test_every_command_has_json_and_config() -> None:
    context = click.Context(ir_transfer)
    leaves = [leaf for name in COMMANDS for leaf in _leaves(_command(context, name), (name,))]
    assert len(leaves) > 20
    for path, command in leaves:
        options = [option for parameter in command.params for option in parameter.opts]
        assert options.count("--json") == options.count("--config") == 1, path


def _command(context: click.Context, name: str) -> click.Command:
    found = ir_transfer.get_command(context, name)
    assert found is not None
    return found


def test_stdout_holds_only_the_json_document(
    tmp_path: Path, exemplar: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(photograph()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    out = tmp_path / "out"
    command = ["convert", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--style", str(exemplar)]
    assert main([*command, "--model", "histogram", "-o", str(out), "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "out": str(out),
        "manifest": str(out / "manifest.jsonl"),
        "converted": 1,
        "skipped": 0,
        "failed": 1,
        "missing": 1,
        "stopped": None,
        "ignored": {},
    }
    assert "converted 1, skipped 0, failed 1" in said.err


def test_a_dry_run_lists_what_would_be_done(tmp_path: Path, exemplar: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(photograph()).save(tmp_path / "a.png")
    command = ["convert", str(tmp_path / "a.png"), "--style", str(exemplar), "-o", str(tmp_path / "out")]
    assert main([*command, "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["would_convert"] == [{"input": str(tmp_path / "a.png"), "output": str(tmp_path / "out" / "a.png")}]
    assert found["model"] == "adain"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sensors", "no-such", "--json"], "unknown sensor"),
        (["convert", "--json"], "INPUT"),
        (["convert", "a", "--json", "--strength", "x", "--style", "b"], "--strength"),
        (["sensors", "--no-such", "--json"], "--no-such"),
        (["no-such", "--json"], "no-such"),
    ],
)
def test_errors_are_json_documents(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["exit_code"] == 2
    assert message in found["error"]
    assert message in said.err


def test_without_json_text_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "gray"]) == 0
    assert capsys.readouterr().out.startswith("name")
    assert main(["models", "gray", "--json"]) == 0
    said = capsys.readouterr()
    assert [model["name"] for model in json.loads(said.out)] == ["gray"]
    assert said.err.startswith("name")
    assert main(["models", "gray"]) == 0
    assert capsys.readouterr().out.startswith("name"), "stdout is given back"


def test_a_process_writes_one_document() -> None:
    command = [sys.executable, "-m", "ir_transfer", "styles", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "adain" in {style["model"] for style in json.loads(done.stdout)}
    assert done.stderr.startswith("style")
