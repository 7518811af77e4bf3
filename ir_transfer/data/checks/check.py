"""Checks a data set for problems that would affect training or scores; each finding has a remedy."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from ir_transfer.data.cards import Card
from ir_transfer.data.checks.measure import (
    LEAST_SIDE,
    PairFacts,
    measure_all,
    measure_pair,
    measure_single,
    similar_names,
)
from ir_transfer.data.checks.report import CheckReport
from ir_transfer.data.pair_files import Side
from ir_transfer.data.pairs import Pair, list_side, scan_pairs
from ir_transfer.errors import InputError

TOLERANCE = 3.0
"""Tolerated offset in pixels if the card has none."""
_NARROW = 0.05  # share of the range; less than this is black on every screen


def report_images(report: CheckReport, facts: Sequence[PairFacts], card: Card) -> None:
    """Report problems of single images: unreadable files, sizes, colours, bit depth and range."""
    ok = [f for f in facts if not f.error]
    if bad := [f for f in facts if f.error]:
        report.add("unreadable", [f.name for f in bad], f"cannot be read: {bad[0].error}", "replace or remove them")
    report.add(
        "size-differs", [f.name for f in ok if len(f.sizes) == 2 and f.sizes[0] != f.sizes[1]],
        "have images of two sizes", "register and crop the two sides to one size; scaling alone does not register",
    )  # fmt: skip
    report.add(
        "too-small", [f.name for f in ok if f.sizes and min(min(s) for s in f.sizes) < LEAST_SIDE],
        f"have a side below {LEAST_SIDE} pixels", "remove them, or take the larger originals",
    )  # fmt: skip
    report.add(
        "gray-rgb", [f.name for f in ok if f.gray_rgb], "have an RGB image without colour",
        "exclude them from training: a gray RGB image may be an infrared image of a night camera",
    )  # fmt: skip
    report.add(
        "coloured-ir", [f.name for f in ok if f.coloured_ir],
        "have an infrared image whose three channels differ: a colour palette, or the sides are swapped",
        "export the camera's gray image; the luminance of a palette is not monotonic in temperature",
    )  # fmt: skip
    _report_depth(report, ok, card)


def _report_depth(report: CheckReport, facts: Sequence[PairFacts], card: Card) -> None:
    wide = [f.name for f in facts if f.bits > 8]
    if card.bit_depth == 8:
        report.add(
            "16-bit", wide, "have infrared levels of more than 8 bits, which the card does not expect",
            "use raw and 8-bit files in separate sets: their levels have different meanings",
        )  # fmt: skip
    elif wide and card.bit_depth == "8 or 16" and len(wide) < len(facts):
        report.add(
            "16-bit", wide, "have infrared levels of more than 8 bits, others do not",
            "use them in separate sets: their levels have different meanings",
        )  # fmt: skip
    elif wide:
        report.add(
            "16-bit", wide, "have infrared levels of 16 bits",
            "no action needed; map all images with one window, not each by its own minimum and maximum", "note",
        )  # fmt: skip
    report.add(
        "narrow-range", [f.name for f in facts if f.used < _NARROW],
        f"have an infrared image that uses less than {_NARROW:.0%} of its range (raw counts, or an empty image)",
        "map them with one window for the whole set, or give the card's layout a 'white' level",
    )  # fmt: skip


def report_alignment(report: CheckReport, card: Card) -> None:
    """Report pairs whose measured shift is above the card's tolerance."""
    tolerance = card.alignment.pixels or TOLERANCE
    off = {name: s for name, s in report.shifts.items() if s.length > tolerance and s.gain > 1.05}
    names = sorted(off, key=lambda name: -off[name].length)
    if not names:
        return
    dx, dy = (float(np.median([getattr(s, axis) for s in report.shifts.values()])) for axis in ("dx", "dy"))
    remedy = "register them, or remove the worst; training learns offsets as blur (see the image)"
    if np.hypot(dx, dy) > max(1.5, 0.6 * tolerance):
        remedy = f"the whole set has one offset: move the infrared images by {-dx:+.1f} pixels in x and {-dy:+.1f} in y"
    worst = off[names[0]]
    what = f"are off by more than {tolerance:g} pixels (worst {names[0]}: {worst.dx:+.1f}, {worst.dy:+.1f})"
    report.add("misaligned", names, what, remedy)


def report_similar(report: CheckReport, pairs: Sequence[Pair], facts: Sequence[PairFacts]) -> None:
    """Report duplicates, similar pairs, and scenes in two subsets of a split."""
    report_duplicates(report, facts)
    parts, scenes = {p.stem: p.part for p in pairs}, {p.stem: p.scene for p in pairs}
    alike = similar_names(facts)
    across = [f"{a} = {b}" for a, b in alike if parts[a] != parts[b]]
    report.add(
        "alike-across-parts", across, "near-duplicates are in different subsets",
        "do not evaluate on these subsets; make your own with ir-transfer datasets split",
    )  # fmt: skip
    apart = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] != scenes[b]]
    report.add(
        "alike-across-scenes", apart, "near-duplicates have names of different scenes",
        "datasets split joins their scenes", "note",
    )  # fmt: skip
    same = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] == scenes[b]]
    report.add(
        "alike", same, "near-duplicates are in one scene (neighbouring frames of a video)",
        "no action needed for training, where every tenth frame is enough; never split them by frame", "note",
    )  # fmt: skip
    places: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.scene is not None and pair.part is not None:
            places[pair.scene].add(pair.part)
    report.add(
        "scene-in-two-parts", [scene for scene, where in places.items() if len(where) > 1],
        "scenes are in more than one subset", "do not evaluate on these subsets; make your own with datasets split",
    )  # fmt: skip


def report_duplicates(report: CheckReport, facts: Sequence[PairFacts]) -> None:
    """Report identical files."""
    owners: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        for digest in fact.hashes:
            owners[digest].append(fact.name)
    doubles = [" = ".join(names) for names in owners.values() if len(names) > 1]
    report.add("duplicate", doubles, "groups of files are identical", "keep one of each")


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
