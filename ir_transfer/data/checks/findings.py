"""Derives findings, each with a remedy, from the measurements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ir_transfer.data.cards import Card
from ir_transfer.data.checks.measure import LEAST_SIDE, PairFacts, similar_names
from ir_transfer.data.checks.report import CheckReport
from ir_transfer.data.pairs import Pair

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
        "keep them out of training (a gray RGB image may be an infrared one of a night camera) or accept less",
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
            "use raw and 8-bit files in sets of their own: they differ in what a level means",
        )  # fmt: skip
    elif wide and card.bit_depth == "8 or 16" and len(wide) < len(facts):
        report.add(
            "16-bit", wide, "have infrared levels of more than 8 bits, others do not",
            "use them in sets of their own: they differ in what a level means",
        )  # fmt: skip
    elif wide:
        report.add(
            "16-bit", wide, "have infrared levels of 16 bits",
            "fine; map all of them by one window, never each image by its minimum and maximum", "note",
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
        remedy = f"the whole set is off: move the infrared images by {-dx:+.1f} pixels in x and {-dy:+.1f} in y"
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
        "alike-across-parts", across, "couples of pairs look alike though they are in different parts",
        "do not score on these parts; make your own with ir-transfer datasets split",
    )  # fmt: skip
    apart = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] != scenes[b]]
    report.add(
        "alike-across-scenes", apart, "couples of pairs look alike though their names say different scenes",
        "datasets split joins their scenes", "note",
    )  # fmt: skip
    same = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] == scenes[b]]
    report.add(
        "alike", same, "couples of pairs of one scene look alike (neighbours of a video)",
        "fine for training, although every tenth frame would do; never split them by frame", "note",
    )  # fmt: skip
    places: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.scene is not None and pair.part is not None:
            places[pair.scene].add(pair.part)
    report.add(
        "scene-in-two-parts", [scene for scene, where in places.items() if len(where) > 1],
        "scenes are in more than one part", "do not score on these parts; make your own with datasets split",
    )  # fmt: skip


def report_duplicates(report: CheckReport, facts: Sequence[PairFacts]) -> None:
    """Report identical files."""
    owners: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        for digest in fact.hashes:
            owners[digest].append(fact.name)
    doubles = [" = ".join(names) for names in owners.values() if len(names) > 1]
    report.add("duplicate", doubles, "groups of files are equal byte by byte", "keep one of each")
