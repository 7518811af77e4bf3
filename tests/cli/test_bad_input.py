"""Invalid data, files and recipes on the command line: a one-line error with the problem and a fix."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.training.pair_set import render_pairs
from tests.training.runs import make_root

Break = Callable[[Path], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def train(root: Path, *more: str) -> list[str]:
    out = ["-o", str(root / "run"), "--no-tracking"]
    return ["train", str(root / "recipe.yaml"), "--data", str(root), *out, *more]


def evaluate(root: Path, *more: str) -> list[str]:
    exemplar = str(root / "pairs" / "ir" / "scene_1.png")
    data = ["--data", str(root / "pairs")] if "--data" not in more else []
    return ["evaluate", *data, "--exemplar", exemplar, "--models", "adain", "-o", str(root / "out"), *more]


def error_of(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(command) == 2
    error = capsys.readouterr().err.strip()
    assert "Traceback" not in error
    return error.splitlines()[-1]


def other_stems(root: Path) -> None:
    for path in (root / "pairs" / "ir").iterdir():
        path.rename(path.with_name(f"thermal_{path.name}"))


def other_size(root: Path) -> None:
    Image.new("L", (30, 20)).save(root / "pairs" / "ir" / "scene_2.png")


def palette(root: Path) -> None:
    path = root / "pairs" / "ir" / "scene_2.png"
    with Image.open(path) as gray:
        Image.merge("RGB", (gray, Image.eval(gray, lambda level: 255 - level), gray)).save(path)


def no_infrared(root: Path) -> None:
    (root / "pairs" / "ir").rename(root / "pairs" / "thermal")


@pytest.mark.parametrize("command", [train, evaluate])
@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (other_stems, ["pairs/rgb", "pairs/ir", "none in common", "8 RGB images", "datasets show"]),
        (other_size, ["scene_2.png (96, 72)", "(30, 20)", "register"]),
        (palette, ["pairs/ir/scene_2.png", "three that differ", "gray image"]),
        (no_infrared, ["pairs/ir", "name another card"]),
    ],
)
def test_invalid_pair_folders_are_rejected(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[Path], list[str]],
    break_it: Break,
    words: list[str],
) -> None:
    exemplar = root / "pairs" / "ir" / "scene_1.png"
    asked = command(root)
    if command is evaluate:
        asked[asked.index(str(exemplar))] = "oracle"
    break_it(root)
    error = error_of(asked, capsys)
    for word in words:
        assert word in error


def leaking_split(root: Path) -> Path:
    parts = {"train": {"one": ["scene_0", "scene_1"]}, "val": {"one": ["scene_2"]}}
    (root / "leak.json").write_text(json.dumps({"parts": parts, "rule": ""}))
    return root / "leak.json"


def test_split_that_divides_a_scene_is_rejected(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leak = leaking_split(root)
    error = error_of(evaluate(root, "--split", str(leak)), capsys)
    ours = train(root, "--set", "data.sources=[{path: pairs, split: leak.json, part: train}]")
    for found in (error, error_of(ours, capsys)):
        assert "every scene in one subset" in found
        assert "leak.json" in found
        assert "'one'" in found
        assert "datasets split" in found


def test_duplicates_across_training_and_validation_are_rejected(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    render_pairs(root / "copy", 2)  # equal seeds give equal files
    error = error_of(train(root, "--set", "data.validation=copy"), capsys)
    assert "pairs/rgb/scene_0.png (data.sources[0])" in error
    assert "copy/rgb/scene_0.png" in error
    assert "remove" in error


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--data", "nowhere"], ["nowhere", "check the path"]),
        (["--card", "llvip"], ["pairs/visible", "datasets show llvip", "another card"]),
        (["--card", "llvp"], ["llvp", "'llvip'"]),
        (["--card", "hit-uav"], ["hit-uav", "which is unpaired"]),
        (["--card", "naip", "--protocol", "paired-lwir"], ["lwir", "naip", "--protocol or --card"]),
        (["--part", "test"], ["--part", "'test'", "datasets split"]),
        (["--split", "none.json"], ["none.json", "datasets split"]),
        (["--masks", "none"], ["none", "--masks"]),
        (["--weights", "adain=wct2-lwir"], ["adain", "wct2"]),
        (["--protocol", "mine.yaml"], ["mine.yaml", "max_side", "'wide'"]),
    ],
)
def test_evaluate_rejects_invalid_options(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: list[str], words: list[str]
) -> None:
    monkeypatch.chdir(root)
    (root / "mine.yaml").write_text("{name: mine, version: 1, max_side: wide}")
    error = error_of(evaluate(root, *more), capsys)
    for word in words:
        assert word in error


def test_training_rejects_initial_weights_of_another_model(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(train(root, "--init", "wct2-lwir"), capsys)
    assert "wct2" in error
    assert "adain" in error


def test_the_validation_exemplars_are_reported(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(train(root, "--set", "data.validation_exemplar=null", "--set", "training.steps=1")) == 0
    assert "the exemplars of the validation pairs are" in capsys.readouterr().out
