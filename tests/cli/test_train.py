from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.training import checkpoint
from tests.training.runs import make_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def arguments(root: Path, *more: str, out: str = "run") -> list[str]:
    return ["train", str(root / "recipe.yaml"), "--data", str(root), "-o", str(root / out), *more]


def start_and_signal(root: Path, number: signal.Signals, line: str) -> subprocess.Popen[str]:
    """Start an endless run, send a signal when it prints a line and wait for its end."""
    endless = ("--set", "training.steps=100000", "--set", "training.checkpoint_minutes=0")
    command = [sys.executable, "-m", "ir_transfer", *arguments(root, *endless), "--set", "training.validate_every=100"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None
    watchdog = threading.Timer(600, process.kill)
    watchdog.start()
    for printed in process.stdout:
        if printed.startswith(line):
            process.send_signal(number)
            break
    process.communicate()
    watchdog.cancel()
    return process


@pytest.mark.timeout(900)
def test_training_resumes_after_kill_and_interrupt(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert start_and_signal(root, signal.SIGKILL, "step 50").returncode == -signal.SIGKILL
    step = checkpoint.load(root / "run" / "last.pt")["step"]
    assert step >= 49
    assert main(arguments(root)) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(arguments(root, "--resume", "--set", f"training.steps={step + 2}")) == 0
    assert f"resumed at step {step}\n" in capsys.readouterr().out
    assert checkpoint.load(root / "run" / "last.pt")["step"] == step + 2


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_a_checkpoint_and_exits_as_interrupted(root: Path, number: signal.Signals) -> None:
    assert start_and_signal(root, number, "sanity check passed").returncode == 130
    assert checkpoint.load(root / "run" / "last.pt")["step"] >= 0
    assert "stopped at step" in (root / "run" / "log.txt").read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "training.steps=many"], ["training: steps", "int", "many"]),
        (["--set", "training.batch_size=0"], ["training.batch_size", "1 or more"]),
        (["--set", "training.lr=.nan"], ["training.lr", "finite"]),
        (["--set", "training.lr.peak=1"], ["training: lr", "float", "peak"]),
        (["--set", "model.name.size=1"], ["'name'", "--set model.name.size"]),
        (["--set", "training.lr=[1"], ["--set training.lr=[1", "YAML"]),
        (["--set", "training.stepz=3"], ["stepz", "'steps'"]),
        (["--set", "training.lr"], ["KEY=VALUE"]),
        (["--set", "training.schedule=step"], ["schedule", "'plateau'", "'cosine'"]),
        (["--set", "training.restarts=[2]"], ["training.restarts", "schedule: cosine", "[2]"]),
        (
            ["--set", "training.schedule=cosine", "--set", "training.restarts=[300, 250]"],
            ["training.restarts", "ascending", "[300, 250]"],
        ),
        (["--set", "losses.charbonier=1"], ["charbonier", "'charbonnier'"]),
        (["--set", "training.starts.tvv=1"], ["tvv", "'tv'"]),
        (["--set", "losses.gram=1"], ["--vgg", "gram"]),
        (["--set", "model.name=adin"], ["adin", "'adain'"]),
        (["--set", "data.validation=vall"], ["data.validation", "vall", "--data has pairs"]),
        (["--set", "data.validation_exemplar=x.png"], ["data.validation_exemplar", "x.png"]),
        (["--set", "data.sources=[{path: pairs, infrared: pairs/ir}]"], ["sources[0]", "pairing: unpaired"]),
        (["--set", "data.sources=[{path: pairs, card: llvp}]"], ["llvp", "'llvip'"]),
        (["--set", "data.sources=[{path: pairs, card: llvip}]"], ["pairs/visible", "datasets show llvip", "card"]),
        (["--set", "data.sources=[{path: pairs, card: naip}]"], ["data.sources[0].card", "lwir", "data.band=nir"]),
        (["--set", "data.sources=[{path: pairs, card: hit-uav}]"], ["data.sources[0]", "pairing: unpaired"]),
        (["--set", "data.sources=[{path: pairs, card: my.yaml}]"], ["my.yaml", "datasets list"]),
        (["--set", "data.sources=[{path: pairs, part: train}]"], ["data.sources[0].part", "datasets split"]),
        (["--set", "data.sources=[{path: pairs, split: s.json, part: train}]"], ["s.json", "datasets split"]),
        (["--set", "data.validation_part=val"], ["data.validation_part", "datasets split"]),
        (["--set", "data.band=lwr"], ["data: band", "'lwir'"]),
    ],
)
def test_errors_name_the_key_and_a_fix(
    root: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: list[str]
) -> None:
    assert main(arguments(root, *more)) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert all(word in error for word in words), error


def test_wrong_data_root_and_missing_recipe_are_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["train", str(root / "recipe.yaml"), "--data", str(root / "nowhere"), "-o", str(root / "run")]
    assert main(wrong) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["train", str(root / "none.yaml"), "--data", str(root)]) == 2
    assert "configs/train" in capsys.readouterr().err


def test_pair_of_unequal_sizes_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (10, 12)).save(root / "pairs" / "ir" / "scene_2.png")
    assert main(arguments(root)) == 2
    error = capsys.readouterr().err
    assert "scene_2.png" in error
    assert "register" in error


def test_incompatible_checkpoints_are_rejected(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "run").mkdir()
    torch.save({"weights": torch.zeros(2)}, root / "run" / "last.pt")
    assert main(arguments(root, "--resume")) == 2
    assert "last.pt" in capsys.readouterr().err
    assert main(arguments(root, "--set", "training.steps=1", out="small")) == 0
    other = ("--resume", "--set", "model.name=wct2")
    assert main(arguments(root, *other, out="small")) == 2
    error = capsys.readouterr().err
    assert "name: 'adain' -> 'wct2'" in error
    assert "recipe.yaml" in error
