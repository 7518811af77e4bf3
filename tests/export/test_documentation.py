"""The documented program for exported files runs unchanged without torch and this package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from tests.conftest import photograph
from tests.export.exported_files import export_small

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
_REPORT = "\nprint(sorted({'torch', 'ir_transfer', 'onnx'} & set(sys.modules)))\n"


def program() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    return str(found)


def test_documented_program_has_about_30_lines() -> None:
    assert len([line for line in program().splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("size", [(61, 83), (48, 64)])
def test_documented_program_runs_standalone_and_agrees_with_torch(tmp_path: Path, size: tuple[int, int]) -> None:
    exported, _ = export_small(tmp_path, "onnx")
    photo = photograph(*size)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    (tmp_path / "alone.py").write_text(program() + _REPORT)
    command = [sys.executable, "-I", "alone.py", str(exported), "photo.png", "result.png"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 0, made.stderr
    assert "adain" in made.stdout
    assert made.stdout.splitlines()[-1] == "[]"
    model = create_model("adain", tmp_path / "small-adain.safetensors")
    exemplar = torch.from_numpy(np.asarray(Image.open(tmp_path / "look.png"), np.float32) / 255)[None, None]
    content = torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)[None]
    with torch.inference_mode():
        wanted = model(content, model.prepare([exemplar], white_hot=True))[0, 0].numpy()
    found = np.asarray(Image.open(tmp_path / "result.png")).astype(int)
    assert np.abs(found - np.rint(wanted * 255)).max() <= 1


def test_documented_program_rejects_a_file_without_style(tmp_path: Path) -> None:
    exported, _ = export_small(tmp_path, "onnx", baked=False)
    Image.fromarray(photograph(48, 64)).save(tmp_path / "photo.png")
    (tmp_path / "alone.py").write_text(program())
    command = [sys.executable, "-I", "alone.py", str(exported), "photo.png", "result.png"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert made.returncode == 1
    assert "export it with --style" in made.stderr
