"""A comparison from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.errors import InputError
from ir_transfer.evaluation.comparison import compare, parse_weights
from ir_transfer.evaluation.harness import BASELINES, TRUTH
from tests.evaluation.street_scene import write_pairs


def test_writes_figures_and_a_sheet_of_reduced_pictures(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 2)
    stems: list[str] = []
    boxes = root / "boxes.json"
    compared = compare(
        root, [root / "exemplar.png"], ["gray"], {}, boxes=boxes, max_side=72, device="cpu", on_scene=stems.append
    )
    assert stems == ["scene0", "scene1"]
    assert compared.results.outputs["gray"]["scene0"].shape == (56, 72)
    assert compared.results.scores[TRUTH]["object_heat"].mean == 1
    compared.write(tmp_path / "out", cell_width=72)
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert written["settings"]["max_side"] == 72
    assert set(written["scores"]) == {*BASELINES, TRUTH}
    assert written["scores"]["gray"]["psnr"]["mean"] == pytest.approx(compared.results.scores["gray"]["psnr"].mean)
    # Photograph, exemplar, four methods, truth; two rows.
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.size == (7 * 76 - 4, 22 + 2 * 60)


def test_weights_are_for_models_that_are_compared_and_have_some(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    with pytest.raises(InputError, match="of compared models gray, got adain"):
        compare(root, [root / "exemplar.png"], ["gray"], {"adain": ["a.safetensors"]})
    with pytest.raises(InputError, match="no weights for model 'gray'"):
        compare(root, [root / "exemplar.png"], ["gray"], {"gray": ["a.safetensors"]})


def test_weights_by_model() -> None:
    assert parse_weights(["adain=a.safetensors", "wct2=nir", "adain=b"]) == {
        "adain": ["a.safetensors", "b"],
        "wct2": ["nir"],
    }


@pytest.mark.parametrize("text", ["adain", "=a", "adain="])
def test_weights_without_a_model_or_a_file(text: str) -> None:
    with pytest.raises(InputError, match="expected MODEL=FILE_OR_NAME"):
        parse_weights([text])
