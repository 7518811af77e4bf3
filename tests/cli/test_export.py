"""The command ``export``: file formats, usage errors, and int8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.exported import make
from ir_transfer.export.metadata import read_metadata
from tests.conftest import photograph, thermal
from tests.export.exported_files import FEW_SIZES, exemplar_file, small_weights


@pytest.fixture
def few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make.ExportOptions, "__init__", _with_few_sizes(make.ExportOptions.__init__))


def _with_few_sizes(init: Callable[..., None]) -> Callable[..., None]:
    return lambda self, *positional, **named: init(self, *positional, **{"sizes": FEW_SIZES, **named})


def pairs(folder: Path, count: int = 3) -> tuple[Path, Path]:
    """Return a folder of RGB images and one of infrared images of the same names."""
    for name in ("photos", "truth"):
        (folder / name).mkdir()
    for number in range(count):
        Image.fromarray(photograph(60, 80 + 8 * number, number)).save(folder / "photos" / f"{number}.png")
        Image.fromarray(thermal(60, 80 + 8 * number, number)).save(folder / "truth" / f"{number}.png")
    return folder / "photos", folder / "truth"


@pytest.mark.usefixtures("few_sizes")
def test_int8_export_is_calibrated_measured_and_converts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, truth = pairs(tmp_path)
    out, weights = tmp_path / "int8.xml", str(small_weights(tmp_path))
    style = ("--style", str(exemplar_file(tmp_path)), "--exemplar-polarity", "white-hot", "--weights", weights)
    cost = ("--calibrate", str(photos), "--calibration-truth", str(truth))
    assert main(["export", "adain", *style, *cost, "-o", str(out), "--threads", "1"]) == 0
    said = capsys.readouterr().out
    facts = read_metadata(out)
    assert facts.precision == "int8"
    assert facts.calibration in said
    assert facts.calibration.startswith("int8 against float32 on 3 images: psnr ")
    assert "against the ground truth" in facts.calibration
    convert = ["convert", str(photos), "--threads", "1"]
    assert main([*convert, "--weights", str(out), "-o", str(tmp_path / "a")]) == 0
    assert main([*convert, *style, "-o", str(tmp_path / "b")]) == 0
    one, other = (np.asarray(Image.open(tmp_path / name / "0.png")).astype(float) for name in ("a", "b"))
    assert 0 < np.abs(one - other).mean() < 10
    assert main([*convert, "--weights", str(out), "-o", str(tmp_path / "c"), "--option", "shapes=dynamic"]) == 0
    # In float32, both kinds of shapes agree exactly; their int8 rounding differs by less than int8 from float32.
    free = np.asarray(Image.open(tmp_path / "c" / "0.png")).astype(float)
    assert np.abs(free - one).mean() < np.abs(one - other).mean()


@pytest.mark.usefixtures("few_sizes")
def test_int8_files_of_earlier_versions_are_not_compiled_for_a_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, _ = pairs(tmp_path)
    out = tmp_path / "int8.xml"
    arguments = ["export", "adain", "--weights", str(small_weights(tmp_path)), "--style", str(exemplar_file(tmp_path))]
    assert main([*arguments, "--calibrate", str(photos), "-o", str(out), "--threads", "1"]) == 0
    text = out.read_text()
    assert '<compilation value="any" />' in text
    out.write_text(text.replace('<compilation value="any" />', ""))
    convert = ["convert", str(photos), "--threads", "1", "--weights", str(out), "-o", str(tmp_path / "a")]
    assert main([*convert, "--option", "shapes=static"]) == 2
    assert "shapes=dynamic" in capsys.readouterr().err
    assert main(convert) == 0
    assert "dynamic" in (tmp_path / "a" / "manifest.jsonl").read_text()


@pytest.mark.usefixtures("few_sizes")
def test_calibration_without_ground_truth_is_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, truth = pairs(tmp_path)
    (truth / "1.png").unlink()
    arguments = ["export", "adain", "--weights", str(small_weights(tmp_path)), "--calibrate", str(photos)]
    assert main([*arguments, "--calibration-truth", str(truth), "-o", str(tmp_path / "a.xml")]) == 2
    assert "named 1 in" in capsys.readouterr().err
    Image.fromarray(thermal(30, 40)).save(truth / "1.png")
    assert main([*arguments, "--calibration-truth", str(truth), "-o", str(tmp_path / "a.xml")]) == 2
    assert "align the pair" in capsys.readouterr().err
    assert main([*arguments, "-o", str(tmp_path / "a.onnx")]) == 2
    assert "--to openvino" in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("adain", "-o", "a.pt"), r"--to"),
        (("adain", "-o", "a.pt", "--to", "onnx"), ".onnx"),
        (("adain", "-o", "a.onnx", "--to", "openvino"), ".xml"),
        (("adain", "-o", "a.onnx", "--polarity", "white-hot"), "--polarity"),
        (("adain", "-o", "a.onnx", "--style-weights", "1"), "--style-weights"),
        (("adain", "-o", "a.xml", "--calibration-truth", "b"), "--calibrate"),
        (("gray", "-o", "a.onnx"), "compact system"),
        (("adian", "-o", "a.onnx"), "'adain'"),
    ],
)
def test_option_errors_exit_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    assert named in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
