"""Looking through a data set for what would spoil a training or a score, and saying what to do about it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.alignment import Shift, measure_shift
from ir_transfer.data.cards import Card
from ir_transfer.data.image_io import Picture
from ir_transfer.data.look_alike import find_look_alikes, fingerprint
from ir_transfer.data.pair_files import Side, open_pair, open_side
from ir_transfer.data.pairs import Pair, Single, list_side, scan_pairs
from ir_transfer.errors import InputError, IrTransferError

Floats = NDArray[np.float32]
T = TypeVar("T")

TOLERANCE = 3.0
"""Offset in pixels that is tolerated where the card does not say."""
_NARROW = 0.05  # share of the range; less than this is black on every screen
_LEAST_SIDE = 64


@dataclass(frozen=True)
class Finding:
    """Something a user should know.

    Attributes:
        kind: Short name.
        level: ``problem`` or ``note``.
        names: The pairs or files that it is about.
        what: What was found.
        remedy: What to do.
    """

    kind: str
    level: Literal["problem", "note"]
    names: list[str]
    what: str
    remedy: str


@dataclass(frozen=True)
class PairFacts:
    """What was measured on a pair, or on one picture of an unpaired set.

    Attributes:
        name: Stem of the pair.
        error: Why it could not be read, or nothing.
        sizes: Width and height of each picture.
        gray_rgb: The photograph has no colour.
        coloured_ir: The infrared picture has three channels that differ.
        bits: Bit depth of the infrared picture.
        used: Share of the range that its levels use.
        hashes: Of its files.
        prints: Fingerprints of photograph and infrared picture.
        shift: Offset between them.
    """

    name: str
    error: str = ""
    sizes: tuple[tuple[int, int], ...] = ()
    gray_rgb: bool = False
    coloured_ir: bool = False
    bits: int = 8
    used: float = 1.0
    hashes: tuple[str, ...] = ()
    prints: tuple[Floats, Floats] | None = None
    shift: Shift | None = None


@dataclass
class CheckReport:
    """What ``datasets check`` found.

    Attributes:
        card: Name of the card.
        root: The folder.
        count: Pairs (or pictures of an unpaired set) that were found.
        looked_at: How many of them were opened.
        findings: Problems first.
        shifts: Offset of every pair for which it could be measured.
        pairs: All pairs.
    """

    card: str
    root: Path
    count: int
    looked_at: int
    findings: list[Finding] = field(default_factory=list)
    shifts: dict[str, Shift] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether there is no problem."""
        return not any(finding.level == "problem" for finding in self.findings)


def check_dataset(root: Path, card: Card, limit: int | None = None) -> CheckReport:
    """Check a folder against its card.

    Args:
        root: The folder.
        card: How it is laid out.
        limit: Open at most so many pairs, evenly spread; all by default.

    Raises:
        MissingFileError: A folder that the card names is missing.
        InputError: No file fits the card.
    """
    if not card.is_paired:
        return _check_unpaired(root, card, limit)
    listing = scan_pairs(root, card)
    if not listing.pairs and not any(listing.lonely.values()):
        raise InputError(
            f"expected pairs of {card.name} in {root}, got none: see ir-transfer datasets show {card.name}"
        )
    pairs = _spread(listing.pairs, limit)
    facts = _map(_look_at_pair, pairs)
    report = CheckReport(card.name, root, len(listing.pairs), len(pairs), pairs=pairs)
    report.shifts = {f.name: f.shift for f in facts if f.shift is not None and f.shift.is_sure}
    lonely = [*listing.lonely["rgb"], *listing.lonely["ir"]]
    _add(
        report, "no-partner", lonely, "files have no partner",
        "they are left out; give both files of a pair the same name, or check that the card fits",
    )  # fmt: skip
    _judge_pictures(report, facts, card)
    _judge_alignment(report, card)
    _judge_doubles(report, pairs, facts)
    report.findings.sort(key=lambda finding: finding.level != "problem")
    return report


def alike_stems(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """Return which pairs show nearly the same; pairs that cannot be read are like none."""
    return _alike(_map(lambda pair: _look_at_pair(pair, align=False), pairs))


def _check_unpaired(root: Path, card: Card, limit: int | None) -> CheckReport:
    report = CheckReport(card.name, root, 0, 0)
    sides: tuple[Side, ...] = ("rgb", "ir")
    for side in sides:
        files = list_side(root, card, side)
        chosen = _spread(files, limit)
        facts = _map(_look_at_picture, chosen)
        report.count, report.looked_at = report.count + len(files), report.looked_at + len(chosen)
        _judge_pictures(report, facts, card)
        _judge_exact(report, facts)
    report.findings.sort(key=lambda finding: finding.level != "problem")
    return report


def _spread(items: Sequence[T], limit: int | None) -> list[T]:
    if limit is None or limit >= len(items):
        return list(items)
    return [items[int(i)] for i in np.linspace(0, len(items) - 1, limit).round()]


def _map(look: Callable[[T], PairFacts], items: Sequence[T]) -> list[PairFacts]:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(look, items))


def _look_at_pair(pair: Pair, *, align: bool = True) -> PairFacts:
    try:
        rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    except IrTransferError as error:
        return PairFacts(pair.stem, str(error))
    photograph, infrared = rgb.gray()[0], ir.gray()[0]
    sizes = (rgb.width, rgb.height), (ir.width, ir.height)
    fits = align and sizes[0] == sizes[1] and min(sizes[0]) >= _LEAST_SIDE
    return PairFacts(
        pair.stem,
        sizes=sizes,
        gray_rgb=_is_gray(rgb),
        coloured_ir=ir.is_colour,
        bits=ir.bit_depth,
        used=_used(ir),
        hashes=(rgb.sha256,) if pair.rgb == pair.ir else (rgb.sha256, ir.sha256),
        prints=(fingerprint(photograph), fingerprint(infrared)),
        shift=measure_shift(photograph, infrared) if fits else None,
    )


def _look_at_picture(single: Single) -> PairFacts:
    name = single.stem
    try:
        picture = open_side(single.path, single.side, single.layout)
    except IrTransferError as error:
        return PairFacts(name, str(error))
    common = {"sizes": ((picture.width, picture.height),), "hashes": (picture.sha256,)}
    if single.side == "rgb":
        return PairFacts(f"rgb: {name}", gray_rgb=_is_gray(picture), **common)  # type: ignore[arg-type]
    facts = {"coloured_ir": picture.is_colour, "bits": picture.bit_depth, "used": _used(picture)}
    return PairFacts(f"ir: {name}", **facts, **common)  # type: ignore[arg-type]


def _is_gray(picture: Picture) -> bool:
    """Return whether the channels are alike but for the noise of JPEG; dark pictures have little spread, not none."""
    if len(picture.levels) == 1:
        return True
    levels = picture.levels.astype(np.float32)
    spread = float((levels.max(axis=0) - levels.min(axis=0)).mean())
    return spread <= 0.012 * float(levels.mean()) + 0.002 * picture.white


def _used(picture: Picture) -> float:
    """Return the share of the range between the 1st and the 99th percentile of the levels."""
    low, high = np.percentile(picture.levels, [1, 99])
    return float(high - low) / picture.white


def _judge_pictures(report: CheckReport, facts: Sequence[PairFacts], card: Card) -> None:
    ok = [f for f in facts if not f.error]
    if bad := [f for f in facts if f.error]:
        _add(report, "unreadable", [f.name for f in bad], f"cannot be read: {bad[0].error}", "replace or remove them")
    _add(
        report, "size-differs", [f.name for f in ok if len(f.sizes) == 2 and f.sizes[0] != f.sizes[1]],
        "have pictures of two sizes", "register and crop the two sides to one size; scaling alone does not register",
    )  # fmt: skip
    _add(
        report, "too-small", [f.name for f in ok if f.sizes and min(min(s) for s in f.sizes) < _LEAST_SIDE],
        f"have a side below {_LEAST_SIDE} pixels", "remove them, or take the larger originals",
    )  # fmt: skip
    _add(
        report, "gray-rgb", [f.name for f in ok if f.gray_rgb], "have a photograph without colour",
        "keep them out of training (a gray photograph may be an infrared one of a night camera) or accept less",
    )  # fmt: skip
    _add(
        report, "coloured-ir", [f.name for f in ok if f.coloured_ir],
        "have an infrared picture whose three channels differ: a colour palette, or the sides are swapped",
        "export the camera's gray picture; the luminance of a palette is not monotonic in temperature",
    )  # fmt: skip
    _judge_depth(report, ok, card)


def _judge_depth(report: CheckReport, facts: Sequence[PairFacts], card: Card) -> None:
    wide = [f.name for f in facts if f.bits > 8]
    if card.bit_depth == 8:
        _add(
            report, "16-bit", wide, "have infrared levels of more than 8 bits, which the card does not expect",
            "use raw and 8-bit files in sets of their own: they differ in what a level means",
        )  # fmt: skip
    elif wide and card.bit_depth == "8 or 16" and len(wide) < len(facts):
        _add(
            report, "16-bit", wide, "have infrared levels of more than 8 bits, others do not",
            "use them in sets of their own: they differ in what a level means",
        )  # fmt: skip
    elif wide:
        _add(
            report, "16-bit", wide, "have infrared levels of 16 bits",
            "fine; mind that one window maps them all, never each picture's own minimum and maximum", "note",
        )  # fmt: skip
    _add(
        report, "narrow-range", [f.name for f in facts if f.used < _NARROW],
        f"have an infrared picture that uses less than {_NARROW:.0%} of its range (raw counts, or an empty picture)",
        "map them with one window for the whole set, or give the card's layout a 'white' level",
    )  # fmt: skip


def _judge_alignment(report: CheckReport, card: Card) -> None:
    tolerance = card.alignment.pixels or TOLERANCE
    off = {name: s for name, s in report.shifts.items() if s.length > tolerance and s.gain > 1.05}
    names = sorted(off, key=lambda name: -off[name].length)
    if not names:
        return
    dx, dy = (float(np.median([getattr(s, axis) for s in report.shifts.values()])) for axis in ("dx", "dy"))
    remedy = "register them, or remove the worst; what is off is learnt as blur (the picture shows them)"
    if np.hypot(dx, dy) > max(1.5, 0.6 * tolerance):
        remedy = f"the whole set is off: move the infrared pictures by {-dx:+.1f} pixels in x and {-dy:+.1f} in y"
    worst = off[names[0]]
    what = f"are off by more than {tolerance:g} pixels (worst {names[0]}: {worst.dx:+.1f}, {worst.dy:+.1f})"
    _add(report, "misaligned", names, what, remedy)


def _judge_doubles(report: CheckReport, pairs: Sequence[Pair], facts: Sequence[PairFacts]) -> None:
    _judge_exact(report, facts)
    parts, scenes = {p.stem: p.part for p in pairs}, {p.stem: p.scene for p in pairs}
    alike = _alike(facts)
    across = [f"{a} = {b}" for a, b in alike if parts[a] != parts[b]]
    _add(
        report, "alike-across-parts", across, "couples of pairs look alike though they are in different parts",
        "do not score on these parts; make your own with ir-transfer datasets split",
    )  # fmt: skip
    apart = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] != scenes[b]]
    _add(
        report, "alike-across-scenes", apart, "couples of pairs look alike though their names say different scenes",
        "datasets split joins their scenes by itself", "note",
    )  # fmt: skip
    same = [f"{a} = {b}" for a, b in alike if parts[a] == parts[b] and scenes[a] == scenes[b]]
    _add(
        report, "alike", same, "couples of pairs of one scene look alike (neighbours of a video)",
        "fine for training, though every tenth frame teaches as much; never part them by frame", "note",
    )  # fmt: skip
    places: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        if pair.scene is not None and pair.part is not None:
            places[pair.scene].add(pair.part)
    _add(
        report, "scene-in-two-parts", [scene for scene, where in places.items() if len(where) > 1],
        "scenes are in more than one part", "do not score on these parts; make your own with datasets split",
    )  # fmt: skip


def _judge_exact(report: CheckReport, facts: Sequence[PairFacts]) -> None:
    owners: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        for digest in fact.hashes:
            owners[digest].append(fact.name)
    doubles = [" = ".join(names) for names in owners.values() if len(names) > 1]
    _add(report, "duplicate", doubles, "groups of files are equal byte by byte", "keep one of each")


def _alike(facts: Sequence[PairFacts]) -> list[tuple[str, str]]:
    known = [(fact.name, fact.prints) for fact in facts if fact.prints is not None]
    if not known:
        return []
    rgb, ir = (np.stack([prints[side] for _, prints in known]) for side in (0, 1))
    return [(known[i][0], known[j][0]) for i, j in find_look_alikes(rgb, ir)]


def _add(
    report: CheckReport,
    kind: str,
    names: Iterable[str],
    what: str,
    remedy: str,
    level: Literal["problem", "note"] = "problem",
) -> None:
    if listed := list(names):
        report.findings.append(Finding(kind, level, listed, what, remedy))
