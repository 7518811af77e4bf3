"""``ir-transfer benchmark`` prints its tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ir_transfer.cli import main
from ir_transfer.cli.benchmark import benchmark


def test_prints_and_writes_a_speed_table(tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    result = CliRunner().invoke(
        benchmark,
        ["--models", "gray,fda", "--sizes", "64,96", "--rounds", "1", "--no-memory", "-o", str(out)],
        catch_exceptions=False,
    )
    rows = json.loads(out.read_text())["rows"]
    assert [(row["label"], row["candidate"]["side"]) for row in rows] == [
        ("gray", 64), ("fda", 64), ("gray", 96), ("fda", 96),
    ]  # fmt: skip
    assert all(0 < row["fastest"] <= row["seconds"] for row in rows)
    assert result.exit_code == 0
    for text in ("gray", "fda", "64", "96", "float32", "x common"):
        assert text in result.output


@pytest.mark.parametrize("model", ["gray", "johnson"])
def test_measures_the_conversion_of_a_folder(model: str) -> None:
    result = CliRunner().invoke(benchmark, ["--models", model, "--folder", "2"], catch_exceptions=False)
    assert "2 images of 640 x 512" in result.output
    assert "growth" in result.output
    assert "device idle for" in result.output


@pytest.mark.parametrize("sizes", ["32", "a", "512,", "-512"])
def test_rejects_invalid_sizes(sizes: str) -> None:
    result = CliRunner().invoke(benchmark, ["--sizes", sizes], catch_exceptions=False)
    assert result.exit_code == 2
    assert "expected sides of at least 64 pixels" in result.output


def test_measures_data_loaders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "loader.json"
    command = ["benchmark", "--models", "histogram,histogram:x", "--data-loader", "4", "--loader-workers", "0,1"]
    assert main([*command, "-o", str(out), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found == json.loads(out.read_text())
    names = ["v2.Grayscale(3)", "ToInfrared(histogram)", "ToInfrared(histogram, boson-640)"]
    assert [(row["transform"], row["workers"]) for row in found] == [(name, n) for n in (0, 1) for name in names]
    for row in found:
        assert row["images_per_second"] == pytest.approx(row["images"] / row["seconds"])
    assert "images/s" in said.err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--data-loader", "4", "--folder", "2"], "got both"),
        (["--loader-workers", "2"], "--data-loader with --loader-workers"),
        (["--data-loader", "4", "--loader-workers", "two"], "got 'two'"),
        (["--ray-workers", "2"], "--folder with --ray-workers"),
        (["--data-loader", "4", "--sizes", "512"], "no --sizes"),
        (["--folder", "4", "-o", "a.json"], "no -o"),
    ],
)
def test_rejects_unused_options(given: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", *given]) == 2
    assert message in capsys.readouterr().err
