from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from tests.conftest import photograph


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    torch.manual_seed(0)
    weights = tmp_path / "random.safetensors"
    create_model("gatys", weights=None, size="vgg19", widths=(4, 6, 8, 8, 8)).save(weights)
    Image.fromarray(photograph(48, 64)).save(tmp_path / "photo.png")
    return ["reconstruct", "--weights", str(weights), "-o", str(tmp_path / "out.png"), "--option", "steps=3"]


def test_reconstructs_content(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*arguments, "--content", str(tmp_path / "photo.png"), "--layer", "conv2_1", "--side", "32", "-v"]
    assert main(command) == 0
    captured = capsys.readouterr()
    assert captured.out == f"wrote {tmp_path / 'out.png'}\n"
    assert "step 3/3: content " in captured.err
    with Image.open(tmp_path / "out.png") as image:
        assert (image.size, image.mode) == ((43, 32), "L")
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_style_reconstruction_has_the_requested_size_and_is_seeded(
    arguments: list[str], exemplar: Path, tmp_path: Path
) -> None:
    command = [*arguments, "--style", str(exemplar), "--layers", "conv1_1,conv3_1", "--size", "40x24", "-q"]
    contents = []
    for seed in ("1", "1", "2"):
        assert main([*command, "--overwrite", "--seed", seed]) == 0
        contents.append((tmp_path / "out.png").read_bytes())
    assert contents[0] == contents[1] != contents[2]
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (40, 24)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ([], "--content FILE or --style FILE"),
        (["--content", "photo.png", "--style", "photo.png"], "--content FILE or --style FILE"),
        (["--content", "photo.png", "--layers", "conv1_1"], "no --layers with --content"),
        (["--style", "photo.png", "--layer", "conv1_1"], "no --layer with --style"),
        (["--style", "photo.png", "--size", "8x8"], "at least 16 pixels, such as"),
        (["--style", "photo.png", "--layers", "conv9_1"], "unknown layer of VGG-19 'conv9_1'"),
        (["--style", "none.png"], "none.png"),
        (["--style", "photo.png", "-o", "out.tif"], ".png"),
    ],
)
def test_option_errors_exit_with_2(
    arguments: list[str], extra: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = [str(tmp_path / text) if text.endswith((".png", ".tif")) else text for text in extra]
    assert main([*arguments, *extra]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
