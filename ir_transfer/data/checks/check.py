"""Checks a data set for problems that would affect training or scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from ir_transfer.data.cards import Card
from ir_transfer.data.checks.findings import report_alignment, report_duplicates, report_images, report_similar
from ir_transfer.data.checks.measure import measure_all, measure_pair, measure_single
from ir_transfer.data.checks.report import CheckReport
from ir_transfer.data.pair_files import Side
from ir_transfer.data.pairs import list_side, scan_pairs
from ir_transfer.errors import InputError

T = TypeVar("T")


def check_dataset(root: Path, card: Card, limit: int | None = None) -> CheckReport:
    """Check a folder against its card.

    Args:
        root: The folder.
        card: Its card.
        limit: Largest number of pairs to open, evenly spaced; all by default.

    Raises:
        MissingFileError: A folder that the card names is missing.
        InputError: No file matches the card.
    """
    if not card.is_paired:
        return _check_unpaired(root, card, limit)
    listing = scan_pairs(root, card)
    if not listing.pairs and not any(listing.unpaired.values()):
        raise InputError(
            f"expected pairs of {card.name} in {root}, got none: see ir-transfer datasets show {card.name}"
        )
    pairs = _spread(listing.pairs, limit)
    facts = measure_all(measure_pair, pairs)
    report = CheckReport(card.name, root, len(listing.pairs), len(pairs), pairs=pairs)
    report.shifts = {f.name: f.shift for f in facts if f.shift is not None and f.shift.is_sure}
    unpaired = [*listing.unpaired["rgb"], *listing.unpaired["ir"]]
    report.add(
        "no-partner", unpaired, "files have no partner",
        "they are left out; give both files of a pair the same name, or check that the card fits",
    )  # fmt: skip
    report_images(report, facts, card)
    report_alignment(report, card)
    report_similar(report, pairs, facts)
    report.sort()
    return report


def _check_unpaired(root: Path, card: Card, limit: int | None) -> CheckReport:
    report = CheckReport(card.name, root, 0, 0)
    sides: tuple[Side, ...] = ("rgb", "ir")
    for side in sides:
        files = list_side(root, card, side)
        chosen = _spread(files, limit)
        facts = measure_all(measure_single, chosen)
        report.count, report.looked_at = report.count + len(files), report.looked_at + len(chosen)
        report_images(report, facts, card)
        report_duplicates(report, facts)
    report.sort()
    return report


def _spread(items: Sequence[T], limit: int | None) -> list[T]:
    if limit is None or limit >= len(items):
        return list(items)
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, limit).round()]
