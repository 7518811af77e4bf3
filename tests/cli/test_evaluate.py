"""``ir-transfer evaluate`` on rendered pairs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from PIL import Image

from ir_transfer.cli.evaluate import evaluate
from ir_transfer.errors import InputError, MissingFileError
from tests.evaluation.street_scene import PEOPLE, write_pairs


def test_prints_tables_writes_all_files_and_logs_them(tmp_path: Path, tracking_uri: str) -> None:
    root = write_pairs(tmp_path / "set", 2)
    out = tmp_path / "out"
    command = ["--data", str(root), "--exemplar", str(root / "exemplar.png"), "--models", "fda", "-o", str(out)]
    judged = ["--vgg", str(root / "vgg.safetensors"), "--boxes", str(root / "boxes.json"), "--label", "person"]
    named = ["--protocol", "paired-lwir", "--cell-width", "100", "--tracking-uri", tracking_uri]
    result = CliRunner().invoke(evaluate, [*command, *judged, *named], catch_exceptions=False)
    assert result.exit_code == 0
    for text in (
        "constant",
        "gray",
        "inverted",
        "histogram",
        "fda",
        "truth",
        "patch_mmd[set]",
        "object_heat",
        "Ranking",
    ):
        assert text in result.output
    assert (
        "exemplar fixed: exemplar.png; protocol paired-lwir version 1 (changed: composite feature_network "
        in result.output
    )
    found = json.loads((out / "results.json").read_text())
    assert found["scores"]["truth"]["people_heat"]["mean"] == 1
    assert set(found["per_scene"]["fda"]["psnr"]) == {"scene0", "scene1"}
    assert (out / "table.csv").read_text().startswith("method,column")
    assert "protocol paired-lwir version 1" in (out / "report.html").read_text()
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width == 8 * 104 - 4
    client = MlflowClient(tracking_uri)
    run = client.get_run(result.output.splitlines()[-1].split()[2])
    assert run.data.metrics["fda/psnr"] == found["scores"]["fda"]["psnr"]["mean"]
    assert run.data.params["protocol"].startswith("protocol paired-lwir version 1 (changed: composite ")
    assert run.inputs is not None
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == [found_title(result.output)]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"report.html", "results.json", "sheet.png", "table.csv"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_no_results_and_the_folder_can_be_used_again(tmp_path: Path, number: signal.Signals) -> None:
    root = write_pairs(tmp_path / "set", 12)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "ir_transfer", "evaluate", "--data", str(root), "--models", "fda", "-o", str(out)]
    command += ["--exemplar", str(root / "exemplar.png"), "--no-tracking"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    before = process.stderr.readline()
    assert "scene0" in before
    process.send_signal(number)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in errors
    assert not (out / "results.json").exists()
    subprocess.run(command, capture_output=True, check=True, timeout=90)
    assert (out / "results.json").exists()


def found_title(output: str) -> str:
    (line,) = [line for line in output.splitlines() if ", exemplar fixed: " in line]
    return line.partition(" of ")[2].partition(", exemplar")[0]


@pytest.mark.parametrize(
    ("weights", "message"), [("fda", "expected MODEL=FILE_OR_NAME"), ("gray=a.safetensors", "compared models fda")]
)
def test_rejects_weights_that_match_no_model(tmp_path: Path, weights: str, message: str) -> None:
    root = write_pairs(tmp_path / "set", 1)
    command = ["--data", str(root), "--exemplar", str(root / "exemplar.png"), "--models", "fda", "--weights", weights]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(evaluate, command, catch_exceptions=False)


def test_evaluates_external_results_with_soft_labels(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    label = np.zeros((28, 36, 4), np.uint8)
    label[..., 0], label[..., 1] = 7, 255
    for left, top, right, bottom in PEOPLE:
        label[top // 4 : bottom // 4, -(-left // 4) : right // 4] = (1, 230, 7, 20)
    (root / "labels").mkdir()
    Image.fromarray(label).save(root / "labels" / "scene0.png")
    arguments = ["--data", str(root), "--exemplar", "oracle", "--models", "gray", "--no-tracking"]
    arguments += ["--labels", str(root / "labels"), "--outputs", f"other={root / 'ir'}", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "out" / "results.json").read_text())["scores"]
    assert scores["other"]["people_hot"]["mean"] == scores["truth"]["people_heat"]["mean"] == 1
    assert scores["gray"]["people_hot"]["mean"] == 0
    assert str(tmp_path / "out" / "report.html") in result.output
    before = (tmp_path / "out" / "results.json").read_bytes()
    with pytest.raises(InputError, match=r"got report\.html, results\.json, table\.csv, sheet\.png: use --overwrite"):
        CliRunner().invoke(evaluate, arguments, catch_exceptions=False)
    assert (tmp_path / "out" / "results.json").read_bytes() == before
    replaced = CliRunner().invoke(evaluate, [*arguments, "--overwrite"], catch_exceptions=False)
    assert replaced.exit_code == 0, replaced.output
    arguments[-3] = "other=nowhere"
    with pytest.raises(MissingFileError, match="nowhere"):
        CliRunner().invoke(evaluate, [*arguments, "--overwrite"], catch_exceptions=False)
