"""``convert`` with a model that optimises each image."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from tests.conftest import photograph


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("gatys") / "random.safetensors"
    create_model("gatys", weights=None, size="vgg19", widths=(4, 6, 8, 8, 8)).save(path)
    return path


@pytest.fixture
def arguments(weights: Path, exemplar: Path, tmp_path: Path) -> list[str]:
    Image.fromarray(photograph(48, 48)).save(tmp_path / "photo.png")
    photo, out = str(tmp_path / "photo.png"), str(tmp_path / "out")
    return ["convert", photo, "--style", str(exemplar), "--model", "gatys", "--weights", str(weights), "-o", out]


def test_warns_about_the_run_time_and_converts(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--option", "steps=4", "--option", "style_weight=10", "-v"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"converted 1, skipped 0, failed 0 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert "Warning: model gatys optimises every image in up to 4 steps: about" in captured.err
    assert "step 4/4: content " in captured.err
    with Image.open(tmp_path / "out" / "photo.png") as image:
        assert image.size == (48, 48)
        assert np.asarray(image).std() > 1
    look = json.loads((tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[0])["look"]
    assert look["options"]["steps"] == 4
    assert look["options"]["style_weight"] == 10
    assert look["options"]["init"] == "content"


def test_resume_keeps_the_options(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--option", "steps=1", "-q"]) == 0
    assert main([*arguments, "--option", "steps=2", "-q", "--resume"]) == 2
    assert "results of one set of options" in capsys.readouterr().err
    assert main([*arguments, "--option", "steps=1", "--resume"]) == 0
    assert "skipped 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("steps", "KEY=VALUE"),
        ("stepps=3", "did you mean 'steps'"),
        ("steps=many", "a whole number of 1 or more"),
        ("init=luma", "one of content, noise"),
    ],
)
def test_invalid_options_are_rejected(
    arguments: list[str], option: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--option", option]) == 2
    assert message in capsys.readouterr().err


def test_options_are_rejected_for_models_without_options(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments[:4], "--model", "histogram", *arguments[-2:], "--option", "steps=3"]) == 2
    assert "known: none" in capsys.readouterr().err


def test_terminal_shows_losses_and_ctrl_c_ends_the_optimisation(arguments: list[str], tmp_path: Path) -> None:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ir_transfer", *arguments, "--option", "steps=1000000", "--option", "tolerance=0"],
        stdout=subprocess.PIPE,
        stderr=inner,
        env={**os.environ, "COLUMNS": "160", "TERM": "xterm"},
    )
    os.close(inner)
    shown, asked = b"", False
    try:
        with contextlib.suppress(OSError):  # once the other end is closed
            while chunk := os.read(outer, 4096):
                shown += chunk
                if b"/1000000: content" in shown and not asked:
                    process.send_signal(signal.SIGINT)
                    asked = True
        assert process.wait(timeout=90) == 130
    finally:
        os.close(outer)
        process.kill()
    assert b"Interrupted" in shown
    assert b"Traceback" not in shown
    assert not (tmp_path / "out" / "photo.png").exists()
