"""A comparison as files for programs: ``results.json`` and ``table.csv``.

Keys and field names match published files and differ from the names in the code.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import ir_transfer
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.csv_table import csv_text
from ir_transfer.evaluation.ranking import composites, pairwise_comparisons, worse_than_baselines
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.json_files import json_text

_FIELDS = ("method", "column", "direction", "value", "low", "high", "loses_to", "clear", "protocol", "scenes")


def write_json(compared: Comparison, path: Path) -> None:
    """Write all results, down to single scenes.

    Raises:
        EncodeError: It cannot be written.
    """
    write_whole(path, (json_text(_described(compared), indent=1) + "\n").encode())


def write_csv(compared: Comparison, path: Path) -> None:
    """Write one line per method and column, including the composite.

    Raises:
        EncodeError: It cannot be written.
    """
    write_whole(path, csv_text(_FIELDS, _rows(compared)).encode())


def _rows(compared: Comparison) -> Iterator[dict[str, object]]:
    common = {"protocol": compared.made_with, "scenes": len(compared.pairs)}
    worse = worse_than_baselines(compared.results)
    for label, estimate in composites(compared.results).items():
        score = estimate.score
        values = {"value": score.mean, "low": score.low, "high": score.high}
        yield {"method": label, "column": "composite", "direction": "higher", **values, **common}
    for label, scores in compared.results.scores.items():
        for key, score in scores.items():
            found = worse.get(label, {}).get(key)
            mark = {"loses_to": found.baseline, "clear": found.clear} if found else {}
            values = {"value": score.mean, "low": score.low, "high": score.high}
            named = {"column": compared.column_name(key), "direction": COLUMNS[key].direction}
            yield {"method": label, **named, **values, **mark, **common}


def _described(compared: Comparison) -> dict[str, Any]:
    results, name = compared.results, compared.column_name
    return {
        "version": ir_transfer.__version__,
        "torch": torch.__version__,
        "protocol": {**asdict(compared.protocol), "changes": list(compared.changes), "made_with": compared.made_with},
        "settings": {**compared.settings, "exemplar": compared.policy.description},
        "columns": {
            name(key): {k: v for k, v in asdict(COLUMNS[key]).items() if k in {"group", "direction", "description"}}
            for key in compared.columns
        },
        "methods": {
            m.label: {"model": m.model.info.name, "weights_hash": m.model.weights_hash} for m in compared.methods
        }
        | {row.label: {"files": str(row.folder)} for row in compared.outputs},
        "exemplar_polarity": {name: polarity.metadata() for name, polarity in results.polarities.items()},
        "composite": {label: asdict(estimate.score) for label, estimate in composites(results).items()},
        "scores": {
            label: {name(key): asdict(score) for key, score in scores.items()}
            for label, scores in results.scores.items()
        },
        "loses_to_trivial": {
            label: {name(key): {"to": worse.baseline, "clear": worse.clear} for key, worse in found.items()}
            for label, found in worse_than_baselines(results).items()
        },
        "duels": {
            name(key): [
                {"first": a, "second": b, "wins": c.better, "losses": c.worse, "difference": asdict(c.difference)}
                for (a, b), c in found.items()
            ]
            for key, found in pairwise_comparisons(results).items()
        },
        "per_scene": {
            label: {name(key): values for key, values in found.items()} for label, found in results.per_scene.items()
        },
        "exemplars": results.exemplars,
        "validity": results.validity,
    }
