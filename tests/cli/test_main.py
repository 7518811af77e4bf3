from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ir_transfer.cli import COMMANDS, main

HEAVY = ("torch", "rasterio", "kornia", "skimage", "mlflow", "albumentations")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert "ir-transfer" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["no-such-command"], ["models", "--no-such-flag"], ["convert"]])
def test_usage_errors_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_error_messages_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(tmp_path / "nowhere"), "--style", "x.png", "-o", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: expected the input")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--help"], ["convert", "--help"], ["models"], ["styles"], ["styles", "--json"], ["datasets", "list"]]
)
def test_light_commands_use_under_half_a_second_of_cpu_time(arguments: list[str]) -> None:
    script = (
        "import sys, time; from ir_transfer.cli import main; code = main(sys.argv[1:]);"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules];"
        "print(code, heavy, time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, env={**os.environ}, check=True
    )
    code, heavy, seconds = done.stderr.strip().splitlines()[-1].rsplit(" ", 2)
    assert (code, heavy) == ("0", "[]")
    assert float(seconds) < 0.5


def test_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "ir_transfer", "models"], capture_output=True, text=True, check=True)
    assert "histogram" in done.stdout


@pytest.mark.parametrize("wanted", [[], ["--json"]])
def test_closed_stdout_pipe_gives_no_traceback(wanted: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "ir_transfer", "models", *wanted]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 1
    if wanted:  # the table is on stderr, and nothing else
        assert done.stderr.startswith("name")
        assert not {"Traceback", "Error", "Exception"} & {*done.stderr.replace(":", " ").split()}
    else:
        assert done.stderr == ""


@pytest.mark.parametrize("command", [["convert", "x" * 300], ["train", "recipe.yaml"], ["evaluate"]])
def test_operating_system_errors_are_one_line(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "convert": ["--style", "x.png", "-o", str(tmp_path / "out")],
        "train": ["--data", str(tmp_path), "--device", "gpu"],
        "evaluate": ["--data", str(tmp_path), "--exemplar", "x.png", "--device", "gpu"],
    }
    assert main([*command, *options[command[0]]]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: ")
    assert captured.err.count("\n") == 1
