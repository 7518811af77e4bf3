"""JSON and CSV files contain the values of the tables."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.ranking import worse_than_baselines
from ir_transfer.evaluation.result_files import write_csv, write_json
from tests.evaluation.compared_street import BLURRED

MADE_WITH = "protocol street version 2 (changed: border 1)"


def test_json_names_protocol_and_networks(street: Comparison, tmp_path: Path) -> None:
    write_json(street, tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["protocol"]["made_with"] == MADE_WITH
    assert found["columns"]["patch_mmd[tiny]"]["direction"] == "lower"
    assert (
        found["scores"][BLURRED]["patch_frechet[tiny]"]["mean"] == street.results.scores[BLURRED]["patch_frechet"].mean
    )
    assert found["composite"]["constant"]["mean"] == 0
    assert set(found["per_scene"]["gray"]["psnr"]) == {pair.stem for pair in street.pairs}
    assert found["exemplars"]["scene0"] == ["truth of scene0"]
    (comparison,) = (d for d in found["duels"]["psnr"] if (d["first"], d["second"]) == ("constant", BLURRED))
    assert comparison["losses"] == len(street.pairs)
    assert comparison["difference"]["high"] < 0


def test_csv_has_a_marked_line_per_value(street: Comparison, tmp_path: Path) -> None:
    write_csv(street, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["protocol"] for row in rows} == {MADE_WITH}
    composite = [row["method"] for row in rows if row["column"] == "composite"]
    assert composite[0] == BLURRED
    values = {(row["method"], row["column"]): row for row in rows}
    assert float(values["gray", "psnr"]["value"]) == pytest.approx(street.results.scores["gray"]["psnr"].mean)
    marked = {row["column"] for row in rows if row["loses_to"]}
    assert marked == {street.column_name(key) for key in worse_than_baselines(street.results)[BLURRED]}


def test_formula_like_names_are_escaped(street: Comparison, tmp_path: Path) -> None:
    estimates = {("=gray" if name == "gray" else name): found for name, found in street.results.estimates.items()}
    write_csv(replace(street, results=replace(street.results, estimates=estimates)), tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        assert "'=gray" in {row["method"] for row in csv.DictReader(file)}
