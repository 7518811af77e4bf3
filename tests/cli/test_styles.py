from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

import ir_transfer.resources
from ir_transfer import create_model
from ir_transfer.cli import main
from ir_transfer.imaging.image_io import read_image
from ir_transfer.models.style_code import StyleCode
from tests.conftest import thermal
from tests.models.small_thermal import SMALL_THERMAL


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    folder = tmp_path / "looks"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(thermal(64, 80, seed)).save(folder / f"{seed}.png")
    return folder


def test_style_built_from_a_folder_is_usable(
    looks: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.safetensors"
    arguments = ["styles", "build", str(looks), "-o", str(out), "--model", "histogram", "--band", "lwir"]
    assert main([*arguments, "--description", "three of mine", "--exemplar-polarity", "black-hot"]) == 0
    assert "style of 3 exemplars for model histogram" in capsys.readouterr().out
    code = StyleCode.load(out)
    assert code.model == "histogram"
    assert {"band": "lwir", "description": "three of mine", "polarity": "black-hot"}.items() <= code.metadata.items()
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "-q"]) == 0
    assert main(["convert", str(photos), "--style", str(out), "-o", str(tmp_path / "out")]) == 0


def test_other_files_in_a_folder_of_exemplars_are_reported(
    looks: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (looks / "look.gif").touch()
    for command in (["styles", "build", str(looks)], ["convert", str(photos), "--style", str(looks)]):
        assert main([*command, "--model", "histogram", "-o", str(tmp_path / f"{command[0]}.safetensors")]) == 0
        assert capsys.readouterr().err.count("ignored 1 file: 1 .gif") == 1


def test_declared_black_hot_exemplar_is_inverted(looks: Path, photos: Path, tmp_path: Path) -> None:
    style = tmp_path / "black.safetensors"
    build = [
        "styles",
        "build",
        str(looks),
        "-o",
        str(style),
        "--model",
        "histogram",
        "--exemplar-polarity",
        "black-hot",
    ]
    assert main(build) == 0
    images = {}
    for polarity in ("white-hot", "black-hot"):
        out = tmp_path / polarity
        assert main(["convert", str(photos), "--style", str(style), "-o", str(out), "--polarity", polarity]) == 0
        images[polarity] = read_image(out / "a.png").levels.astype(int)
    assert (images["white-hot"] == 255 - images["black-hot"]).all()
    plain = tmp_path / "plain"
    assert main(["convert", str(photos), "--style", str(style), "-o", str(plain)]) == 0
    assert (read_image(plain / "a.png").levels == images["black-hot"]).all()


def test_style_weights_blend_exemplars(looks: Path, tmp_path: Path) -> None:
    out, first = tmp_path / "mix.safetensors", tmp_path / "first.safetensors"
    pair = [str(looks / "0.png"), str(looks / "1.png")]
    assert main(["styles", "build", *pair, "-o", str(out), "--model", "histogram"]) == 0
    shares = ["--style-weights", "1,0"]
    assert main(["styles", "build", *pair, "-o", str(first), "--model", "histogram", *shares]) == 0
    alone = tmp_path / "alone.safetensors"
    assert main(["styles", "build", pair[0], "-o", str(alone), "--model", "histogram"]) == 0
    assert StyleCode.load(first).hash == StyleCode.load(alone).hash != StyleCode.load(out).hash
    assert main(["styles", "build", *pair, "-o", str(tmp_path / "x.safetensors"), *shares[:1], "1"]) == 2
    assert main(["styles", "build", *pair, "-o", str(tmp_path / "x.safetensors"), *shares[:1], "a,b"]) == 2


def test_invalid_output_paths_are_rejected(looks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["styles", "build", str(looks), "-o", str(tmp_path / "x.png")]) == 2
    assert "end in .safetensors" in capsys.readouterr().err
    (tmp_path / "file").write_text("in the way")
    blocked = str(tmp_path / "file" / "x.safetensors")
    assert main(["styles", "build", str(looks), "-o", blocked, "--model", "histogram"]) == 2
    assert "expected to write" in capsys.readouterr().err


def test_lists_presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ir_transfer.resources, "_ROOTS", (tmp_path,))
    assert main(["styles"]) == 0
    assert "has no bundled styles" in capsys.readouterr().out
    metadata = {"band": "nir", "polarity": "white-hot", "description": "grass is bright"}
    StyleCode("adain", {}, metadata).save(tmp_path / "styles" / "adain-nir" / "nir-ground.safetensors")
    assert main(["styles"]) == 0
    text = capsys.readouterr().out
    assert "preset:nir-ground" in text
    assert "grass is bright" in text
    assert main(["styles", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed == {"name": "nir-ground", "model": "adain", "weights": "adain-nir", **metadata}


def test_preset_selects_its_weights(
    looks: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(ir_transfer.resources, "_ROOTS", (shipped,))
    for band in ("lwir", "nir"):
        file = shipped / "weights" / f"adain-{band}.safetensors"
        create_model("adain", weights=None, **SMALL_THERMAL).save(file)
        style = shipped / "styles" / f"adain-{band}" / f"{band}-look.safetensors"
        arguments = [
            "styles",
            "build",
            str(looks),
            "-o",
            str(style),
            "--weights",
            band,
            "--exemplar-polarity",
            "white-hot",
        ]
        assert main([*arguments, "--band", band]) == 0
    for band in ("lwir", "nir"):
        out = tmp_path / f"out-{band}"
        assert main(["convert", str(photos), "--style", f"preset:{band}-look", "-o", str(out)]) == 0
        look = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["look"]
        weights = (shipped / "weights" / f"adain-{band}.safetensors").read_bytes()
        assert look["weights"] == hashlib.sha256(weights).hexdigest()[:16]
    capsys.readouterr()
    wrong = ["convert", str(photos), "--style", "preset:nir-look", "--weights", "lwir", "-o", str(tmp_path / "x")]
    assert main(wrong) == 2
    assert "belongs to weights adain-nir" in capsys.readouterr().err
    file = shipped / "styles" / "adain-nir" / "nir-look.safetensors"
    assert main(["convert", str(photos), "--style", str(file), "--weights", "lwir", "-o", str(tmp_path / "x")]) == 2
    assert "build it again" in capsys.readouterr().err
