"""``ir-transfer evaluate --task detect`` on rendered streets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient

from ir_transfer.cli.evaluate import evaluate
from ir_transfer.evaluation.detection.result_files import FILES
from ir_transfer.synthetic.write import write_scenes


def _street(folder: Path) -> list[str]:
    """Write six scenes in two subsets and return the command that trains on them."""
    write_scenes(folder / "set", 6, size=(80, 64), seed=3, boxes=True)
    stems = [f"s{number:05d}_f00" for number in range(6)]
    parts = {"train": {stem: [stem] for stem in stems[:4]}, "val": {stem: [stem] for stem in stems[4:]}}
    (folder / "split.json").write_text(json.dumps({"parts": parts}))
    files = ["--data", str(folder / "set"), "--split", str(folder / "split.json"), "-o", str(folder / "out")]
    return ["--task", "detect", *files, "--exemplar", str(folder / "set" / "ir" / f"{stems[0]}.png")]


def test_prints_the_table_writes_all_files_and_logs_them(tmp_path: Path, tracking_uri: str) -> None:
    command = [*_street(tmp_path), "--boxes", str(tmp_path / "set" / "boxes.json"), "--models", "histogram"]
    short = ["--steps", "2", "--seeds", "1", "--tracking-uri", tracking_uri]
    result = CliRunner().invoke(evaluate, [*command, *short], catch_exceptions=False)
    assert result.exit_code == 0
    quoted = (
        "no protocol; compact FCOS version 1, 2 steps of 8, 1 seed, 4 training scenes, 2 test scenes, longer side 80"
    )
    assert f"detectors tested on real infrared; {quoted}\n" in result.output
    for arm in ("real ", "gray ", "histogram ", "gray + histogram "):
        assert f"\n{arm}" in result.output
    for name in ("detect.html", "detect.json", "detect.csv", "detect.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0
        assert name in result.output
    assert "reading 4 training and 2 test scenes" in result.output
    client = MlflowClient(tracking_uri)
    run = client.get_run(result.output.splitlines()[-1].split()[2])
    assert run.data.metrics.keys() >= {"real/map", "real/map50", "gray/map"}
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {*FILES}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "detect"], "expected --boxes with --task detect"),
        (
            ["--task", "detect", "--boxes", "b", "--vgg", "v", "--cell-width", "90"],
            "--vgg, --cell-width with --task tra",
        ),
        (["--steps", "9", "--test", "t"], "--test, --steps with --task detect only"),
        (["--task", "detect", "--boxes", "b", "--part", "val"], "expected --part with --task translate only"),
        (["--seeds", "1"], "expected --seeds with --task detect only"),
    ],
)
def test_options_of_the_other_mode_are_rejected(options: list[str], message: str) -> None:
    result = CliRunner().invoke(evaluate, ["--data", "d", "--exemplar", "e", *options])
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
