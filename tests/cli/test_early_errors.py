"""Wrong paths and names: reported before heavy imports, with suggestions that work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import urllib.error
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.errors import MissingFileError, UnknownNameError
from ir_transfer.resources import missing_exemplar, preset_names, recipe_file, resource
from tests.conftest import photograph, thermal

HEAVY = ("torch", "rasterio", "kornia", "skimage", "mlflow", "av")
HERE = ["a.png", "--style", "a.png"]
WRONG: dict[str, list[str]] = {
    "input": ["convert", "nowhere", "--style", "a.png"],
    "style": ["convert", "a.png", "--style", "nowhere.png"],
    "weights": ["convert", *HERE, "--weights", "nowhere.safetensors"],
    "style_mask": ["convert", *HERE, "--style-mask", "nowhere.png"],
    "content_masks": ["convert", *HERE, "--content-masks", "nowhere"],
    "video": ["video", "nowhere.mp4", "--style", "a.png"],
    "video_style": ["video", "a.png", "--style", "nowhere.png"],
    "dataset": ["dataset", "nowhere", "--style", "a.png"],
    "dataset_style": ["dataset", ".", "--style", "nowhere.png"],
    "verify": ["dataset", "verify", "nowhere"],
    "merge": ["dataset", "merge", "nowhere", "-o", "x"],
    "build": ["styles", "build", "nowhere", "-o", "x.safetensors"],
    "reconstruct": ["reconstruct", "--content", "nowhere.png", "-o", "x.png"],
    "recipe": ["train", "nowhere.yaml", "--data", "."],
    "train_data": ["train", "adain-lwir", "--data", "nowhere"],
    "train_vgg": ["train", "adain-lwir", "--data", ".", "--vgg", "nowhere.safetensors"],
    "distill": ["distill", "encoder", "--data", "nowhere"],
    "evaluate": ["evaluate", "--data", "nowhere", "--exemplar", "a.png"],
    "evaluate_exemplar": ["evaluate", "--data", ".", "--exemplar", "fixed:nowhere.png"],
    "evaluate_vgg": ["evaluate", "--data", ".", "--exemplar", "oracle", "--vgg", "nowhere.safetensors"],
    "evaluate_boxes": ["evaluate", "--data", ".", "--exemplar", "oracle", "--boxes", "nowhere"],
    "export_style": ["export", "adain", "--style", "nowhere.png", "-o", "x.onnx"],
    "export_weights": ["export", "adain", "--weights", "nowhere.safetensors", "-o", "x.onnx"],
    "calibrate": ["export", "adain", "--style", "a.png", "--calibrate", "nowhere", "-o", "x.xml"],
    "truth": ["export", "adain", "--calibrate", ".", "--calibration-truth", "nowhere", "-o", "x.xml"],
    "exemplar_masks": ["convert", *HERE, "--exemplar-masks", "nowhere"],
    "heat_weights": ["convert", *HERE, "--heat", "auto:maskrcnn", "--heat-weights", "nowhere"],
    "check": ["datasets", "check", "llvip", "--root", "nowhere"],
    "checked_split": ["datasets", "check", "llvip", "--root", ".", "--split", "nowhere.json"],
    "masks": ["evaluate", "--data", ".", "--exemplar", "oracle", "--masks", "nowhere"],
    "lpips": ["evaluate", "--data", ".", "--exemplar", "oracle", "--lpips", "nowhere"],
    "outputs": ["evaluate", "--data", ".", "--exemplar", "oracle", "--outputs", "m=nowhere"],
    "verify_source": ["dataset", "verify", ".", "--source", "nowhere"],
    "split": ["datasets", "split", "llvip", "--root", "nowhere", "-o", "x"],
    "promote": ["models", "promote", "x", "--data", "nowhere", "--exemplar", "a.png"],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_path_is_a_one_line_error_that_names_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(24, 32)).save("a.png")
    assert main(WRONG[name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(r"Error: expected .*nowhere.*, found none: ", line)


def test_path_errors_do_not_import_torch(tmp_path: Path) -> None:
    Image.fromarray(photograph(24, 32)).save(tmp_path / "a.png")
    program = (
        "import sys; from ir_transfer.cli import main\n"
        f"for name, arguments in {WRONG!r}.items():\n"
        f"    code = main(arguments); heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "    assert (code, heavy) == (2, []), (name, code, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["lwir-road-day", "lwir-road-day.png", "lwir-road-dya"])
def test_preset_name_without_prefix_suggests_a_working_style(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(32, 48)).save("a.png")
    assert main(["convert", "a.png", "--style", text, "-o", "out"]) == 2
    error = capsys.readouterr().err
    found = re.search(r"use (preset:lwir-road-day), ", error)
    assert found, error
    if text == "lwir-road-day":
        assert main(["convert", "a.png", "--style", found[1], "-o", "out", "--threads", "1"]) == 0


def test_unrelated_name_suggests_no_preset() -> None:
    assert "preset:NAME" in str(missing_exemplar("thermal.png"))
    assert "lwir-road-night" in preset_names()


ELSEWHERE = {
    "archive": "/vsizip/s.zip/look.png",
    "rasterio": "zip://s.zip!look.png",
    "fsspec": "zip://look.png::s.zip",
    "network": "https://host/look.png",
}


@pytest.mark.parametrize("path", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize(
    "command",
    [
        ["convert", "a.png", "--style"],
        ["styles", "build", "-o", "x.safetensors"],
        ["dataset", ".", "-o", "x", "--style"],
        ["convert", *HERE, "--style-mask"],
        ["convert", *HERE, "--content-masks"],
        ["evaluate", "--data", ".", "--exemplar"],
    ],
    ids=["style", "build", "dataset", "style_mask", "content_masks", "evaluate"],
)
def test_remote_path_for_a_local_file_asks_for_a_local_copy(
    command: list[str], path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(32, 32)).save("a.png")
    with zipfile.ZipFile("s.zip", "w") as archive:
        archive.write("a.png", "look.png")
    assert main([*command, path]) == 2
    error = capsys.readouterr().err
    assert re.search("on a local disk, got .*look.png.*, in an archive or on the network: extract or download", error)


def test_recipes_are_found_by_name_from_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = resource("configs/train") / "adain-lwir.yaml"
    for text in ("adain-lwir", "adain-lwir.yaml", "configs/train/adain-lwir.yaml"):
        assert recipe_file(text) == shipped
    (tmp_path / "adain-lwir").mkdir()
    (tmp_path / "own.yaml").touch()
    assert recipe_file("own.yaml") == Path("own.yaml")
    with pytest.raises(UnknownNameError, match="did you mean 'adain-lwir'"):
        recipe_file("adain-lwri")
    with pytest.raises(MissingFileError, match="adain-lwir"):
        recipe_file("elsewhere/adain-lwir.yaml")


def test_failed_vgg_download_is_a_one_line_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network(*args: object, **options: object) -> None:
        raise urllib.error.URLError("[Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    for kind, image in (("rgb", photograph(64, 64)), ("ir", thermal(64, 64))):
        (tmp_path / "val" / kind).mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / f"val/{kind}/a.png")
    command = ["evaluate", "--data", str(tmp_path / "val"), "--exemplar", "oracle", "--models", "gray", "--no-tracking"]
    assert main([*command, "--vgg", "torchvision", "-o", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "expected to download the VGG of --vgg torchvision" in line
    assert str(tmp_path / "hub/checkpoints/vgg19-dcbb9e9d.pth") in line


def test_suggestion_for_existing_results_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option that the message suggests is appended to the failed command."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photograph(32, 48)).save("a.png")
    Image.fromarray(thermal(32, 48)).save("thermal.png")
    command = ["convert", "a.png", "--style", "thermal.png", "--model", "histogram", "-o", "out"]
    assert main(command) == 0
    assert main(command) == 2
    advised = sorted(set(re.findall(r"--(?:resume|overwrite)", capsys.readouterr().err)))
    assert advised == ["--overwrite", "--resume"]
    for option in advised:
        assert main([*command, option]) == 0
    assert main([*command[:-2], "--polarity", "black-hot", "-o", "out", "--resume"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command[:-2], "--polarity", "black-hot", "-o", "out", "--overwrite"]) == 0


def test_suggestion_for_style_weights_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        Image.fromarray(thermal(32, 48)).save(name)
    command = ["convert", "a.png", "--style", "a.png", "--style", "b.png", "--model", "histogram", "-o", "out"]
    assert main([*command, "--style-weights", "2,1"]) == 2
    found = re.search(r"pass (--style-weights \S+)", capsys.readouterr().err)
    assert found
    assert main([*command, *shlex.split(found[1])]) == 0
