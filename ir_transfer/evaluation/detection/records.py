"""An outcome as files: ``detect.json``, ``detect.csv``, ``detect.html`` and ``detect.png``."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import ir_transfer
from ir_transfer.data.image_io import encode_png, write_whole
from ir_transfer.evaluation.cells import figure
from ir_transfer.evaluation.detection.detector import NAME
from ir_transfer.evaluation.detection.experiment import Outcome, Row
from ir_transfer.evaluation.detection.sheet import SURE, detection_sheet
from ir_transfer.evaluation.detection.train import BATCH
from ir_transfer.evaluation.html_page import render_page
from ir_transfer.json_files import json_text

_TEMPLATE = Path(__file__).parent.parent / "templates" / "detect.html"
FILES = ("detect.html", "detect.json", "detect.csv", "detect.png")
LEGEND = (
    "± half of the 95% bootstrap interval over test scenes and seeds; gain: over gray, with the same scenes and seeds; "
    "a verdict needs an interval of the gain in mAP that does not hold 0"
)
_FIELDS = ("arm", "column", "value", "low", "high", "gain", "gain_low", "gain_high", "verdict", "made_with")


def made_with(outcome: Outcome, protocol: str) -> str:
    """Return what a figure is quoted with."""
    training = outcome.training
    return (
        f"{protocol}; {NAME}, {training.steps} steps of {BATCH}, {len(training.seeds)} "
        f"{'seed' if len(training.seeds) == 1 else 'seeds'}, {len(outcome.train)} training scenes, "
        f"{len(outcome.test)} test scenes, longer side {outcome.side}"
    )


def table(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows for people, the same for the terminal and the page."""
    headings = ["trained on", "mAP", "gain", "mAP50", "gain", *(f"AP {label}" for label in outcome.labels), ""]
    return headings, [_cells(row, outcome) for row in outcome.rows]


def _cells(row: Row, outcome: Outcome) -> list[str]:
    gains = ["", ""] if row.kind == "gray" else [f"{e.value:+.3f} {_spread(e)}" for e in (row.gain, row.gain50)]
    shares = [f"{row.per_label[label]:.3f}" for label in outcome.labels]
    return [row.name, figure(row.map.score, 3), gains[0], figure(row.map50.score, 3), gains[1], *shares, row.verdict]


def _spread(estimate: Any) -> str:
    score = estimate.score
    return f"±{(score.high - score.low) / 2:.3f}"


def write_all(outcome: Outcome, folder: Path, protocol: str, settings: Mapping[str, str | None]) -> None:
    """Write all of :data:`FILES` into a folder.

    Args:
        outcome: What to write.
        folder: Made if missing.
        protocol: With which the scenes were read.
        settings: What else decides the figures.

    Raises:
        EncodeError: It cannot be written.
    """
    quoted = made_with(outcome, protocol)
    picture = encode_png(detection_sheet(outcome))
    write_whole(folder / "detect.png", picture)
    write_whole(folder / "detect.json", (json_text(_described(outcome, quoted, settings), indent=1) + "\n").encode())
    write_whole(folder / "detect.csv", _lines(outcome, quoted).encode())
    write_whole(folder / "detect.html", _page(outcome, quoted, settings, picture).encode())


def _described(outcome: Outcome, quoted: str, settings: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "version": ir_transfer.__version__,
        "torch": torch.__version__,
        "made_with": quoted,
        "settings": dict(settings),
        "detector": NAME,
        "training": {**asdict(outcome.training), "batch": BATCH, "side": outcome.side},
        "scenes": {
            side: {"count": len(scenes), "objects": sum(len(scene.labels) for scene in scenes)}
            for side, scenes in (("train", outcome.train), ("test", outcome.test))
        },
        "labels": list(outcome.labels),
        "labels_left_out": list(outcome.left_out),
        "test_scenes_like_training_scenes": list(outcome.alike),
        "arms": {row.name: _row(row) for row in outcome.rows},
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "verdict": row.verdict,
        "map": asdict(row.map.score),
        "map50": asdict(row.map50.score),
        "gain_over_gray": {"map": asdict(row.gain.score), "map50": asdict(row.gain50.score)},
        "per_label": dict(row.per_label),
        "runs": [asdict(run) for run in row.runs],
        "seconds": round(row.seconds, 1),
    }


def _lines(outcome: Outcome, quoted: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _FIELDS)
    writer.writeheader()
    for row in outcome.rows:
        common = {"arm": row.name, "made_with": quoted}
        for column, own, gain in (("map", row.map.score, row.gain.score), ("map50", row.map50.score, row.gain50.score)):
            figures = {"value": own.mean, "low": own.low, "high": own.high}
            over = {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
            verdict = row.verdict if column == "map" else ""
            writer.writerow({**common, "column": column, **figures, **over, "verdict": verdict})
        for label, value in row.per_label.items():
            writer.writerow({**common, "column": f"ap[{label}]", "value": value})
    return text.getvalue()


def _page(outcome: Outcome, quoted: str, settings: Mapping[str, str | None], picture: bytes) -> str:
    headings, cells = table(outcome)
    content = {
        "quoted": quoted,
        "version": ir_transfer.__version__,
        "settings": {key: value for key, value in settings.items() if value is not None},
        "headings": headings,
        "rows": [{"kind": row.kind, "cells": line} for row, line in zip(outcome.rows, cells, strict=True)],
        "bars": _bars(outcome),
        "legend": LEGEND,
        "left_out": outcome.left_out,
        "alike": outcome.alike,
        "sure": SURE,
        "picture": "data:image/png;base64," + base64.b64encode(picture).decode(),
    }
    return render_page(_TEMPLATE, content)


def _bars(outcome: Outcome) -> list[dict[str, Any]]:
    """Return mAP as bars, in percent of the largest end of an interval."""
    widest = max(max(row.map.score.high, row.map.value) for row in outcome.rows) or 1.0
    bars = []
    for row in outcome.rows:
        score = row.map.score
        ends = [round(100 * max(value, 0.0) / widest, 2) for value in (score.mean, score.low, score.high)]
        span = {"width": ends[0], "low": ends[1], "spread": round(ends[2] - ends[1], 2)}
        bars.append({"name": row.name, "kind": row.kind, "text": figure(score, 3), **span})
    return bars
