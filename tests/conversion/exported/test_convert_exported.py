"""Conversion with exported files: same engine, manifest and resumption, and pixels equal within one level."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.exported import file
from tests.conftest import photograph
from tests.export.exported_files import exemplar_file, export_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three RGB images of two sizes and two exported files."""
    place = tmp_path_factory.mktemp("exported")
    export_small(place, "onnx")
    export_small(place, "onnx", baked=False)
    (place / "photos").mkdir()
    for number, size in enumerate(((48, 64), (48, 64), (57, 41))):
        Image.fromarray(photograph(*size, number)).save(place / "photos" / f"{number}.png")
    return place


def run(folder: Path, out: Path, *arguments: str) -> int:
    return main(["convert", str(folder / "photos"), "-o", str(out), "--threads", "1", *arguments])


def header(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])
    return found


def images(out: Path) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(Image.open(out / f"{number}.png")).astype(int) for number in range(3)]


def with_torch(folder: Path, out: Path, *more: str) -> list[np.ndarray[Any, Any]]:
    weights, style = str(folder / "small-adain.safetensors"), str(folder / "look.png")
    asked = ["--weights", weights, "--style", style, "--exemplar-polarity", "white-hot", *more]
    assert run(folder, out, *asked) == 0
    return images(out)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_results_equal_torch(folder: Path, tmp_path: Path, runtime: str) -> None:
    wanted = with_torch(folder, tmp_path / "torch", "--strength", "0.8", "--polarity", "black-hot")
    out = tmp_path / "out"
    weights = ("--weights", str(folder / "adain.onnx"))
    assert run(folder, out, *weights, "--runtime", runtime, "--strength", "0.8", "--polarity", "black-hot") == 0
    for found, one in zip(images(out), wanted, strict=True):
        assert found.shape == one.shape
        assert np.abs(found - one).max() <= 1
        assert found.std() > 5
    look = header(out)["look"]
    assert look["runtime"] == runtime
    assert look["weights"] == header(tmp_path / "torch")["look"]["weights"]
    assert look["style"] == header(tmp_path / "torch")["look"]["style"]
    assert look["inverted"] is True
    assert runtime in header(out)["versions"]
    assert "runtime" not in header(tmp_path / "torch")["look"]


def test_resume_rejects_another_runtime(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, weights = tmp_path / "out", ("--weights", str(folder / "adain.onnx"))
    assert run(folder, out, *weights) == 0
    (out / "1.png").unlink()
    assert run(folder, out, *weights, "--resume") == 0
    assert "converted 1, skipped 2" in capsys.readouterr().out
    assert run(folder, out, *weights, "--runtime", "openvino", "--resume") == 2
    assert "expected" in capsys.readouterr().err


def test_open_style_file_with_custom_weights_needs_a_saved_style(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = with_torch(folder, tmp_path / "torch")
    weights = ("--weights", str(folder / "adain-any.onnx"))
    assert run(folder, tmp_path / "a", *weights, "--style", str(exemplar_file(folder))) == 2
    assert "styles build" in capsys.readouterr().err
    saved = tmp_path / "saved.safetensors"
    built = ["styles", "build", str(folder / "look.png"), "--exemplar-polarity", "white-hot", "-o", str(saved)]
    assert main([*built, "--weights", str(folder / "small-adain.safetensors")]) == 0
    assert run(folder, tmp_path / "b", *weights, "--style", str(saved)) == 0
    for found, one in zip(images(tmp_path / "b"), wanted, strict=True):
        assert np.abs(found - one).max() <= 1
    assert run(folder, tmp_path / "c", *weights) == 2
    assert "--style" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--style", "preset:lwir-road-day"), "--style"),
        (("--device", "cuda"), "--device"),
        (("--tile-size", "64"), "--tile-size"),
        (("--memory", "3GB"), "--memory"),
        (("--engine", "ray"), "--engine ray"),
        (("--batch-size", "2"), "--batch-size"),
        (("--model", "wct2"), "--model"),
        (("--runtime", "torch"), "--runtime"),
        (("--precision", "bfloat16"), "openvino"),
        (("--option", "alignment=coral"), "alignment"),
        (("--style-weights", "1"), "--style-weights"),
    ],
)
def test_options_that_an_exported_file_does_not_support_are_errors(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], named: str
) -> None:
    assert run(folder, tmp_path / "out", "--weights", str(folder / "adain.onnx"), *arguments) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*.png"))


def test_image_that_exceeds_memory_fails_without_affecting_others(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = file._BYTES_PER_PIXEL * 57 * 41
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=enough))
    out = tmp_path / "out"
    assert run(folder, out, "--weights", str(folder / "adain.onnx")) == 1
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    assert [entry["status"] for entry in entries] == ["failed", "failed", "converted"]
    assert "--runtime torch" in entries[0]["error"]
