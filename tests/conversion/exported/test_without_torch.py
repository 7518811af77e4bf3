"""A process without torch runs an exported file with a baked-in style."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph
from tests.export.exported_files import export_small
from tests.imaging.raster.rasters import PLACED, numbers, write

_PROGRAM = """
import sys
from importlib.abc import MetaPathFinder

class Refuses(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "kornia"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuses())
from ir_transfer.cli import main
code = main(sys.argv[1:])
slow = {"scipy", "skimage", "cv2", "mlflow", "pyarrow", "albumentations"} & sys.modules.keys()
sys.exit(f"imported {slow}" if slow else code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two RGB images and an exported file."""
    place = tmp_path_factory.mktemp("exported")
    export_small(place, "onnx", polarity="black-hot")
    (place / "photos").mkdir()
    for number, size in enumerate(((48, 64), (57, 41))):
        Image.fromarray(photograph(*size, number)).save(place / "photos" / f"{number}.png")
    return place


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_images_equal_those_of_torch(folder: Path, tmp_path: Path, runtime: str) -> None:
    weights, style = str(folder / "small-adain.safetensors"), str(folder / "look.png")
    command = ["convert", str(folder / "photos"), "--threads", "1", "--strength", "0.7"]
    asked = ["--weights", weights, "--style", style, "--exemplar-polarity", "white-hot", "--polarity", "black-hot"]
    assert main([*command, *asked, "-o", str(tmp_path / "torch")]) == 0
    out = tmp_path / "out"
    exported = [*command, "--weights", str(folder / "adain.onnx"), "--runtime", runtime, "-o", str(out)]
    done = run(*exported)
    assert done.returncode == 0, done.stderr
    for number in range(2):
        found, wanted = (
            np.asarray(Image.open(place / f"{number}.png")).astype(int) for place in (out, tmp_path / "torch")
        )
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= 1
        assert found.std() > 5
    header = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])
    assert header["look"]["runtime"] == runtime
    assert header["look"]["exemplar_polarity"] == [{"polarity": "black-hot", "polarity_source": "file"}]
    assert runtime in header["versions"]
    assert "torch" not in header["versions"]
    if runtime == "onnxruntime":
        (out / "1.png").unlink()
        assert "converted 1, skipped 1" in run(*exported, "--resume").stdout


def test_input_that_needs_tiles_fails_without_affecting_others(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/a.tif", numbers(3, 64, 64), **PLACED)
    Image.fromarray(photograph()).save(tmp_path / "in/b.png")
    done = run("convert", str(tmp_path / "in"), "--weights", str(folder / "adain.onnx"), "-o", str(tmp_path / "out"))
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()[1:]]
    assert {line["output"]: line["status"] for line in lines} == {"a.tif": "failed", "b.png": "converted"}
    assert "tiles" in next(line["error"] for line in lines if line["output"] == "a.tif")
