from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an image, an exemplar with a space in its name, and no settings."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(40, 56)).save("a.png")
    Image.fromarray(thermal(64, 64)).save("warm day.png")
    return tmp_path


def header(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(out) / "manifest.jsonl").read_text().splitlines()[0])
    return found


def test_precedence_is_command_line_environment_file_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "ir-transfer.toml").write_text(
        '[convert]\nstyle = ["warm day.png"]\nmodel = "histogram"\nstrength = 0.25\nbit-depth = 16\nkeep-tone = true\n'
    )
    monkeypatch.setenv("IR_TRANSFER_CONVERT_STRENGTH", "0.5")
    monkeypatch.setenv("IR_TRANSFER_CONVERT_SEED", "7")
    assert main(["convert", "a.png", "-o", "out", "--seed", "9", "-q"]) == 0
    found = header("out")
    look = found["look"]
    assert (look["strength"], look["seed"], look["bit_depth"], look["model"]) == (0.5, 9, 16, "histogram")
    assert look["precision"] == "float32"
    assert look["controls"]["keep_tone"] is True
    assert found["settings"] == {
        "--style": {"value": "'warm day.png'", "from": "ir-transfer.toml"},
        "--model": {"value": "histogram", "from": "ir-transfer.toml"},
        "--strength": {"value": "0.5", "from": "environment variable IR_TRANSFER_CONVERT_STRENGTH"},
        "--bit-depth": {"value": "16", "from": "ir-transfer.toml"},
        "--keep-tone": {"value": "True", "from": "ir-transfer.toml"},
    }
    assert np.asarray(Image.open("out/a.png")).dtype != np.uint8


def test_without_settings_none_are_recorded(folder: Path) -> None:
    assert main(["convert", "a.png", "--style", "warm day.png", "--model", "gray", "-o", "out", "-q"]) == 0
    assert header("out")["settings"] == {}


def test_multiple_values_in_a_variable_use_shell_quoting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_TRANSFER_CONVERT_STYLE", "'warm day.png' 'warm day.png'")
    monkeypatch.setenv("IR_TRANSFER_CONVERT_STYLE_WEIGHTS", "0.5,0.5")
    assert main(["convert", "a.png", "--model", "histogram", "-o", "out", "-q"]) == 0
    monkeypatch.setenv("IR_TRANSFER_CONVERT_STYLE", "'warm day.png")
    assert main(["convert", "a.png", "--model", "histogram", "-o", "out2", "-q"]) == 2


def test_pyproject_table_is_read(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.ir-transfer.sensors]\njson = true\n[project]\nname = "x"\n')
    assert main(["sensors"]) == 0


def test_settings_of_a_subcommand(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ir-transfer.toml").write_text("[datasets.render]\ncount = 3\nsize = '32x32'\n")
    assert main(["datasets", "render", "scenes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": "scenes", "pairs": 3}
    assert len(list((folder / "scenes" / "rgb").iterdir())) == 3


@pytest.mark.parametrize("before", [True, False])
def test_config_replaces_the_file_of_the_working_directory(
    folder: Path, before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "ir-transfer.toml").write_text("[datasets.render]\ncount = 3\nsize = '32x32'\n")
    (folder / "mine.toml").write_text("[datasets.render]\ncount = 2\nsize = '32x48'\n")
    named, command = ["--config", "mine.toml"], ["datasets", "render"]
    typed = [*named, *command, "scenes", "--json"] if before else [*command, "scenes", "--json", *named]
    assert main(typed) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 2


def test_environment_variable_names_the_config_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.toml").write_text("[datasets.render]\ncount = 2\nsize = '32x48'\n")
    monkeypatch.setenv("IR_TRANSFER_CONFIG", "mine.toml")
    assert main(["datasets", "render", "scenes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 2


def test_flags_that_are_on_by_default_can_be_turned_off(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ir_transfer.cli.settings import _flag, _options
    from ir_transfer.cli.train import train

    option = _options(train)["no-tracking"]
    assert (_flag(option, on=True), _flag(option, on=False)) == (False, True)
    (folder / "ir-transfer.toml").write_text("[doctor]\nself-test = false\n")
    main(["doctor", "--device", "cpu"])
    assert "self-test" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[convert]\nstrenght = 1\n", "did you mean 'strength'"),
        ("[convrt]\nstrength = 1\n", "did you mean 'convert'"),
        ("[dataset.generat]\nvariants = 1\n", "did you mean 'generate'"),
        ("strength = 1\n", "unknown command in ir-transfer.toml 'strength'"),
        ("convert = 1\n", "expected a table of options at [convert] in ir-transfer.toml"),
        ("[convert]\nresume = 'yes'\n", "expected true or false as resume of [convert]"),
        ("[convert]\nstrength = true\n", "strength of [convert] in ir-transfer.toml, got True"),
        ("[convert]\nstyle = []\n", "style of [convert]"),
        ("[convert]\nstrength = 7\n", "(set by ir-transfer.toml)"),
        ("[convert]\nhelp = true\n", "'help'"),
        ("[convert\n", "expected ir-transfer.toml to be TOML"),
    ],
)
def test_invalid_file_is_an_error(folder: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ir-transfer.toml").write_text(content)
    assert main(["convert", "a.png", "--style", "warm day.png", "-o", "out"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (folder / "out").exists()


def test_two_files_with_settings_are_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "ir-transfer.toml").write_text("[convert]\nseed = 1\n")
    (folder / "pyproject.toml").write_text("[tool.ir-transfer.convert]\nseed = 2\n")
    assert main(["sensors"]) == 2
    assert "got both" in capsys.readouterr().err


def test_missing_file_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "none.toml", "sensors"]) == 2
    assert "none.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("IR_TRANSFER_CONVERT_STRENGHT", "1", "did you mean 'IR_TRANSFER_CONVERT_STRENGTH'"),
        ("IR_TRANSFER_NONSENSE", "1", "unknown environment variable 'IR_TRANSFER_NONSENSE'"),
        ("IR_TRANSFER_CONVERT_RESUME", "perhaps", "expected 1 or 0"),
        ("IR_TRANSFER_CONVERT_STRENGTH", "much", "(set by environment variable IR_TRANSFER_CONVERT_STRENGTH)"),
    ],
)
def test_invalid_variable_is_an_error(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["convert", "a.png", "--style", "warm day.png", "-o", "out"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_settings_overridden_on_the_command_line_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_TRANSFER_CONVERT_STRENGTH", "much")
    command = ["convert", "a.png", "--style", "warm day.png", "--model", "gray", "-o", "out", "-q"]
    assert main([*command, "--strength", "1"]) == 0
