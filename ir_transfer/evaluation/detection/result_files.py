"""The result of a detection experiment as files: JSON, CSV, an HTML page and a sheet of test scenes.

Keys and field names match published files and differ from the names in the code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import ir_transfer
from ir_transfer.evaluation.bootstrap import Estimate, format_score
from ir_transfer.evaluation.contact_sheet import contact_sheet, spread
from ir_transfer.evaluation.csv_table import csv_text
from ir_transfer.evaluation.detection.average_precision import Objects
from ir_transfer.evaluation.detection.detector import BATCH, NAME, as_target
from ir_transfer.evaluation.detection.experiment import ConditionResult, Outcome
from ir_transfer.evaluation.html_page import bar, data_uri, write_page
from ir_transfer.imaging.image_io import encode_png, write_whole
from ir_transfer.json_files import json_text

FILES = ("detect.html", "detect.json", "detect.csv", "detect.png")
LEGEND = (
    "± half of the 95% bootstrap interval over test scenes and seeds; gain: over gray, with the same scenes and seeds; "
    "better or worse than gray: the interval of the gain in mAP excludes 0"
)
SCENES = 6
"""Test scenes on the sheet."""
LEAST_SCORE = 0.3
"""Boxes of a lower score are not drawn."""

_TEMPLATE = Path(__file__).parent.parent / "templates" / "detect.html"
_FIELDS = ("arm", "column", "value", "low", "high", "gain", "gain_low", "gain_high", "verdict", "made_with")
_COLOURS = {
    "yellow": "#ffd23f",
    "blue": "#3fd0ff",
    "pink": "#ff5fa2",
    "green": "#7dff6a",
    "orange": "#ff9a3f",
    "violet": "#b48cff",
}


def made_with(outcome: Outcome, protocol: str) -> str:
    """Return protocol, detector, training and scenes on one line, to cite with results."""
    training = outcome.training
    return (
        f"{protocol}; {NAME}, {training.steps} steps of {BATCH}, {len(training.seeds)} "
        f"{'seed' if len(training.seeds) == 1 else 'seeds'}, {len(outcome.train)} training scenes, "
        f"{len(outcome.test)} test scenes, longer side {outcome.side}"
    )


def table(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table in the terminal and in the page."""
    headings = ["trained on", "mAP", "gain", "mAP50", "gain", *(f"AP {label}" for label in outcome.labels), ""]
    return headings, [_cells(row, outcome) for row in outcome.rows]


def _cells(row: ConditionResult, outcome: Outcome) -> list[str]:
    gains = ["", ""] if row.kind == "gray" else [_gain(row.gain), _gain(row.gain50)]
    precisions = [f"{row.per_label[label]:.3f}" for label in outcome.labels]
    own = [format_score(estimate.score, 3) for estimate in (row.map, row.map50)]
    return [row.name, own[0], gains[0], own[1], gains[1], *precisions, row.conclusion]


def _gain(estimate: Estimate) -> str:
    return f"{'+' if estimate.value >= 0 else ''}{format_score(estimate.score, 3)}"


def write_all(outcome: Outcome, folder: Path, protocol: str, settings: Mapping[str, str | None]) -> None:
    """Write all of :data:`FILES` into a folder.

    Args:
        outcome: The result.
        folder: Created if it is missing.
        protocol: Title of the protocol that the scenes were read with.
        settings: All other settings that change a value.

    Raises:
        EncodeError: A file cannot be written.
    """
    quoted = made_with(outcome, protocol)
    sheet = detection_sheet(outcome)
    write_whole(folder / "detect.png", encode_png(sheet))
    write_whole(folder / "detect.json", (json_text(_described(outcome, quoted, settings), indent=1) + "\n").encode())
    write_whole(folder / "detect.csv", csv_text(_FIELDS, _lines(outcome, quoted)).encode())
    write_page(folder / "detect.html", _TEMPLATE, _content(outcome, quoted, settings, sheet))


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


def _row(row: ConditionResult) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "verdict": row.conclusion,
        "map": asdict(row.map.score),
        "map50": asdict(row.map50.score),
        "gain_over_gray": {"map": asdict(row.gain.score), "map50": asdict(row.gain50.score)},
        "per_label": dict(row.per_label),
        "runs": [asdict(run) for run in row.runs],
        "seconds": round(row.seconds, 1),
    }


def _lines(outcome: Outcome, quoted: str) -> Iterator[dict[str, object]]:
    for row in outcome.rows:
        common = {"arm": row.name, "made_with": quoted}
        for column, own, gain in (("map", row.map.score, row.gain.score), ("map50", row.map50.score, row.gain50.score)):
            values = {"value": own.mean, "low": own.low, "high": own.high}
            over = {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
            conclusion = row.conclusion if column == "map" else ""
            yield {**common, "column": column, **values, **over, "verdict": conclusion}
        for label, value in row.per_label.items():
            yield {**common, "column": f"ap[{label}]", "value": value}


def _content(outcome: Outcome, quoted: str, settings: Mapping[str, str | None], sheet: Image.Image) -> dict[str, Any]:
    headings, cells = table(outcome)
    return {
        "quoted": quoted,
        "version": ir_transfer.__version__,
        "settings": {key: value for key, value in settings.items() if value is not None},
        "headings": headings,
        "rows": [{"kind": row.kind, "cells": line} for row, line in zip(outcome.rows, cells, strict=True)],
        "bars": _bars(outcome),
        "legend": LEGEND,
        "left_out": outcome.left_out,
        "alike": outcome.alike,
        "least_score": LEAST_SCORE,
        "sheet": data_uri(sheet, "png"),
    }


def _bars(outcome: Outcome) -> list[dict[str, Any]]:
    """Return mAP as bars, in percent of the largest end of an interval."""
    widest = max(max(row.map.score.high, row.map.value) for row in outcome.rows) or 1.0
    scores = {row.name: (row.kind, row.map.score) for row in outcome.rows}
    return [
        {"name": name, "kind": kind, "text": format_score(score, 3), **bar(score, 0, widest)}
        for name, (kind, score) in scores.items()
    ]


def detection_sheet(outcome: Outcome, cell_width: int = 300) -> Image.Image:
    """Return a sheet with a test scene per row: labelled boxes, then the detections of every condition.

    Args:
        outcome: The result.
        cell_width: Width of an image in pixels.
    """
    rows = []
    for number in spread(range(len(outcome.test)), SCENES):
        scene = outcome.test[number]
        boxes = [as_target(scene, outcome.labels), *(row.found[number] for row in outcome.rows)]
        rows.append([_drawn(scene.real[0].numpy(), objects, cell_width) for objects in boxes])
    key = ", ".join(f"{label} {_colour(number)}" for number, label in enumerate(outcome.labels))
    return contact_sheet(rows, [f"labels ({key})", *(row.name for row in outcome.rows)], cell_width)


def _drawn(values: NDArray[np.uint8], objects: Objects, width: int) -> NDArray[np.float32]:
    """Return an image with boxes (H, W, 3) in [0, 1] at its size on the sheet, so that lines are one pixel wide."""
    scale = width / values.shape[1]
    size = (width, round(values.shape[0] * scale))
    image = Image.fromarray(values).resize(size, Image.Resampling.LANCZOS).convert("RGB")
    draw = ImageDraw.Draw(image)
    scores = objects["scores"] if "scores" in objects else torch.ones(len(objects["labels"]))
    for box, label, score in zip(objects["boxes"], objects["labels"].tolist(), scores.tolist(), strict=True):
        if score >= LEAST_SCORE:
            draw.rectangle((box * scale).tolist(), outline=_COLOURS[_colour(label)])
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _colour(number: int) -> str:
    return tuple(_COLOURS)[number % len(_COLOURS)]
