"""``--exemplar-polarity`` of every command with exemplars: messages and recorded settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.cli.evaluate import evaluate
from ir_transfer.imaging.image_io import read_image
from ir_transfer.models.style_code import StyleCode
from ir_transfer.tracking.store import connect
from tests.conftest import photograph
from tests.evaluation.street_scene import write_pairs
from tests.judged_polarity import judge_by_mean

pytestmark = pytest.mark.usefixtures("judged")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by_mean(monkeypatch)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """An exemplar that the test classifier finds to be black-hot."""
    return write(tmp_path / "dark.png", 10, 60)


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """An exemplar that it finds to be white-hot."""
    return write(tmp_path / "bright.png", 120, 250)


def write(path: Path, low: int, high: int) -> Path:
    levels = np.random.default_rng(0).permutation(np.linspace(low, high, 64 * 64))  # even rows would be a collar
    Image.fromarray(levels.reshape(64, 64).astype(np.uint8)).save(path)
    return path


def look(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["look"]
    return found


AUTO = {"polarity": "black-hot", "polarity_source": "auto", "polarity_score": "-0.36"}


def test_convert_reports_and_records_inverted_exemplars(
    photos: Path, dark: Path, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", str(photos), "--model", "histogram"]
    assert main([*command, "--style", str(dark), "-o", str(tmp_path / "auto")]) == 0
    hint = "pass --exemplar-polarity white-hot if it is not"
    told = f"Warning: exemplar {dark} classified as black-hot (score -0.36): {hint}\n"
    assert capsys.readouterr().err == told
    assert look(tmp_path / "auto")["exemplar_polarity"] == [AUTO]
    for polarity in ("white-hot", "black-hot"):
        out = tmp_path / polarity
        assert main([*command, "--style", str(dark), "-o", str(out), "--exemplar-polarity", polarity]) == 0
        assert capsys.readouterr().err == ""
        assert look(out)["exemplar_polarity"] == [{"polarity": polarity, "polarity_source": "option"}]
    assert main([*command, "--style", str(bright), "-o", str(tmp_path / "bright")]) == 0
    assert capsys.readouterr().err == ""
    assert look(tmp_path / "bright")["exemplar_polarity"][0]["polarity"] == "white-hot"
    assert main([*command, "--style", str(dark), "-o", str(tmp_path / "x"), "--exemplar-polarity", "hot"]) == 2


def test_the_result_has_the_requested_polarity(photos: Path, dark: Path, tmp_path: Path) -> None:
    command = ["convert", str(photos), "--style", str(dark), "--model", "histogram"]
    made = {}
    for name, extra in {
        "own": [],
        "white": ["--polarity", "white-hot"],
        "black": ["--polarity", "black-hot"],
        "taken": ["--polarity", "white-hot", "--exemplar-polarity", "white-hot"],
    }.items():
        assert main([*command, "-o", str(tmp_path / name), *extra]) == 0
        made[name] = read_image(tmp_path / name / "a.png").levels.astype(int)
    np.testing.assert_array_equal(made["black"], made["own"])
    np.testing.assert_array_equal(made["white"], 255 - made["own"])
    np.testing.assert_array_equal(made["taken"], made["own"])


def test_requested_polarity_requires_styles_of_one_polarity(
    photos: Path, dark: Path, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", str(photos), "--style", str(dark), "--style", str(bright), "--model", "histogram"]
    assert main([*command, "-o", str(tmp_path / "out"), "--polarity", "white-hot"]) == 2
    assert "expected styles of one polarity with --polarity, got both" in capsys.readouterr().err


def test_exemplar_polarity_is_logged_to_mlflow(photos: Path, dark: Path, tmp_path: Path, tracking_uri: str) -> None:
    command = ["convert", str(photos), "--style", str(dark), "--model", "histogram", "-o", str(tmp_path / "out")]
    assert main([*command, "--track", "--tracking-uri", tracking_uri, "-q"]) == 0
    (run,) = connect(tracking_uri).search_runs(["1"])
    assert run.data.params["exemplar_polarity"] == str([AUTO])


def test_video_records_exemplar_polarity(dark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(3):
        Image.fromarray(photograph(48, 64, number)).save(frames / f"{number}.png")
    command = ["video", str(frames), "--style", str(dark), "--model", "histogram", "--no-report"]
    assert main([*command, "-o", str(tmp_path / "auto")]) == 0
    assert "classified as black-hot" in capsys.readouterr().err
    assert look(tmp_path / "auto")["exemplar_polarity"] == [AUTO]
    assert main([*command, "-o", str(tmp_path / "given"), "--exemplar-polarity", "white-hot"]) == 0
    assert capsys.readouterr().err == ""
    assert look(tmp_path / "given")["exemplar_polarity"][0]["polarity_source"] == "option"


def test_dataset_records_exemplar_polarity_for_each_style(
    photos: Path, dark: Path, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    command = ["dataset", str(photos), "--style", str(dark), "--style", str(bright), "--model", "histogram"]
    assert main([*command, "-o", str(out), "--labels", "images"]) == 0
    assert "dark.png classified as black-hot" in capsys.readouterr().err
    assert [one["polarity"] for one in look(out)["exemplar_polarity"]] == ["black-hot", "white-hot"]


def test_styles_build_reports_each_exemplar_and_disagreements(
    dark: Path, bright: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "style.safetensors"
    command = ["styles", "build", str(dark), str(bright), "-o", str(out), "--model", "histogram"]
    assert main([*command, "--style-weights", "0.7,0.3"]) == 0
    told = capsys.readouterr()
    assert f"{dark}: black-hot (auto, score -0.36)\n" in told.out
    assert f"{bright}: white-hot (auto, score +0.2" in told.out
    assert f"exemplars of both polarities, 1 of 2 are black-hot: {dark}: " in told.err
    code = StyleCode.load(out)
    assert code.metadata["polarity"] == "black-hot"
    assert code.metadata["polarity_score"].startswith("-0.36, +0.2")
    assert main([*command, "--overwrite", "--exemplar-polarity", "white-hot"]) == 0
    told = capsys.readouterr()
    assert f"{dark}: white-hot (option)\n" in told.out
    assert "polarities" not in told.err
    assert StyleCode.load(out).metadata["polarity_source"] == "option"


def test_evaluate_records_exemplar_polarity(
    dark: Path, tmp_path: Path, tracking_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_pairs(tmp_path / "set", 2)
    command = ["--data", str(root), "--exemplar", str(dark), "--models", "fda", "--tracking-uri", tracking_uri]
    for name, extra in (("auto", []), ("given", ["--exemplar-polarity", "white-hot"])):
        result = CliRunner().invoke(evaluate, [*command, "-o", str(tmp_path / name), *extra], catch_exceptions=False)
        assert result.exit_code == 0
    auto, given = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("auto", "given"))
    assert auto["exemplar_polarity"] == {str(dark): AUTO}
    assert auto["settings"]["exemplar_polarity"] == "auto"
    assert auto["settings"]["exemplars_inverted"] == str(dark)
    assert given["exemplar_polarity"] == {str(dark): {"polarity": "white-hot", "polarity_source": "option"}}
    assert given["settings"]["exemplars_inverted"] is None
    logged = {run.data.params["exemplar_polarity"]: run.data.params for run in connect(tracking_uri).search_runs(["1"])}
    assert logged["auto"]["exemplars_inverted"] == str(dark)
    assert "exemplars_inverted" not in logged["white-hot"]
    assert [
        record.message.count("classified as black-hot") for record in caplog.records if "classified" in record.message
    ] == [1]
