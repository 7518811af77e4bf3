"""Result files."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.evaluation.contact_sheet import GAP, HEADING
from ir_transfer.evaluation.detection.experiment import Outcome
from ir_transfer.evaluation.detection.result_files import FILES, detection_sheet, made_with, table, write_all

QUOTED = "no protocol; compact FCOS version 1, 2 steps of 8, 2 seeds, 4 training scenes, 2 test scenes, longer side 80"


def test_quoted_settings(outcome: Outcome) -> None:
    assert made_with(outcome, "no protocol") == QUOTED


def test_writes_all_files(outcome: Outcome, tmp_path: Path) -> None:
    write_all(outcome, tmp_path / "out", "no protocol", {"data": "streets", "label": None})
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)
    found = json.loads((tmp_path / "out" / "detect.json").read_text())
    assert found["made_with"] == QUOTED
    assert found["training"] == {"steps": 2, "seeds": [0, 1], "device": "cpu", "batch": 8, "side": 80}
    assert found["scenes"]["train"]["count"] == 4
    assert list(found["arms"]) == ["real", "gray", "inverted", "gray + inverted"]
    assert found["arms"]["real"]["map"]["mean"] == pytest.approx(outcome.rows[0].map.value)
    assert len(found["arms"]["real"]["runs"]) == 2
    lines = list(csv.DictReader((tmp_path / "out" / "detect.csv").read_text().splitlines()))
    assert len(lines) == 4 * 4
    assert {line["column"] for line in lines} == {"map", "map50", "ap[person]", "ap[vehicle]"}
    assert float(lines[0]["value"]) == pytest.approx(outcome.rows[0].map.value)
    with Image.open(tmp_path / "out" / "detect.png") as image:
        assert image.width == 5 * 304 - 4


def test_page_is_self_contained_and_shows_warnings(outcome: Outcome, tmp_path: Path) -> None:
    warned = replace(outcome, left_out=["dog<b>"], alike=["s1 = s2"])
    write_all(warned, tmp_path, "protocol p version 3", {"data": "streets", "label": None})
    page = (tmp_path / "detect.html").read_text()
    assert "protocol p version 3; compact FCOS" in page
    assert "dog&lt;b&gt;" in page
    assert "s1 = s2" in page
    assert "gray + inverted" in page
    assert "http" not in page
    assert "label:" not in page


def test_table_has_a_gain_for_all_conditions_except_gray(outcome: Outcome) -> None:
    headings, rows = table(outcome)
    assert headings == ["trained on", "mAP", "gain", "mAP50", "gain", "AP person", "AP vehicle", ""]
    assert rows[1][2] == rows[1][4] == ""
    assert rows[0][2].startswith(("+", "-"))


def test_sheet_shows_ground_truth_first_and_omits_low_scores(outcome: Outcome) -> None:
    box = torch.tensor([[20.0, 20, 40, 40]])
    sure = {"boxes": box, "labels": torch.tensor([0]), "scores": torch.tensor([0.9])}
    unsure = {**sure, "scores": torch.tensor([0.1])}
    rows = [replace(outcome.rows[0], found=[sure] * 2), replace(outcome.rows[1], found=[unsure] * 2)]
    sheet = np.asarray(detection_sheet(replace(outcome, rows=rows), cell_width=80)).astype(int)
    assert sheet.shape == (HEADING + 2 * (64 + GAP), 3 * (80 + GAP) - GAP, 3)
    coloured = np.ptp(sheet, axis=2) > 60
    true, first, second = (coloured[:, left : left + 80].sum() for left in (0, 84, 168))
    assert first == 2 * 80  # two scenes, a frame of 21 x 21 pixels each
    assert second == 0
    assert true > 0
