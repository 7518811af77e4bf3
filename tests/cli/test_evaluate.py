"""``ir-transfer evaluate`` on rendered pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from ir_transfer.cli.evaluate import evaluate
from ir_transfer.errors import InputError
from tests.evaluation.street_scene import write_pairs


def test_prints_tables_and_writes_all_files(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 2)
    out = tmp_path / "out"
    command = ["--data", str(root), "--exemplar", str(root / "exemplar.png"), "--models", "fda", "-o", str(out)]
    judged = ["--vgg", str(root / "vgg.safetensors"), "--boxes", str(root / "boxes.json"), "--label", "person"]
    named = ["--protocol", "paired-lwir", "--cell-width", "100"]
    result = CliRunner().invoke(evaluate, [*command, *judged, *named], catch_exceptions=False)
    assert result.exit_code == 0
    for text in ("constant", "gray", "inverted", "histogram", "fda", "truth", "kid[set]", "object_heat", "Ranking"):
        assert text in result.output
    assert "exemplar fixed: exemplar.png; protocol paired-lwir version 1\n" in result.output
    found = json.loads((out / "results.json").read_text())
    assert found["scores"]["truth"]["people_heat"]["mean"] == 1
    assert set(found["per_scene"]["fda"]["psnr"]) == {"scene0", "scene1"}
    assert (out / "table.csv").read_text().startswith("method,column")
    assert "protocol paired-lwir version 1" in (out / "report.html").read_text()
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.width == 8 * 104 - 4


@pytest.mark.parametrize(
    ("weights", "message"), [("fda", "expected MODEL=FILE_OR_NAME"), ("gray=a.safetensors", "compared models fda")]
)
def test_refuses_weights_it_cannot_place(tmp_path: Path, weights: str, message: str) -> None:
    root = write_pairs(tmp_path / "set", 1)
    command = ["--data", str(root), "--exemplar", str(root / "exemplar.png"), "--models", "fda", "--weights", weights]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(evaluate, command, catch_exceptions=False)
