"""Measures the pairs, or single files, of a data set."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.alignment import Shift, measure_shift
from ir_transfer.data.look_alike import find_look_alikes, fingerprint
from ir_transfer.data.pair_files import open_pair, open_side
from ir_transfer.data.pairs import Pair, Single
from ir_transfer.errors import IrTransferError
from ir_transfer.imaging.image_io import DecodedImage

Floats = NDArray[np.float32]
T = TypeVar("T")

LEAST_SIDE = 64
"""Least side in pixels for measuring offsets; smaller images are reported."""


@dataclass(frozen=True)
class PairFacts:
    """Measurements of a pair, or of one image of an unpaired set.

    Attributes:
        name: Stem of the pair.
        error: Why it could not be read; empty if it was.
        sizes: (width, height) of each image.
        gray_rgb: Whether the RGB image has no colour.
        coloured_ir: Whether the infrared image has channels that differ.
        bits: Bit depth of the infrared image.
        used: Share of the range that its levels use.
        hashes: Hashes of its files.
        prints: Fingerprints of RGB image and infrared image.
        shift: Offset between the two images.
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


def find_similar_pairs(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """Return pairs of stems with near-duplicate images; unreadable files match none."""
    return similar_names(measure_all(lambda pair: measure_pair(pair, align=False), pairs))


def measure_all(measure: Callable[[T], PairFacts], items: Sequence[T]) -> list[PairFacts]:
    """Return the measurements of all items, made in one thread per core."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(measure, items))


def measure_pair(pair: Pair, *, align: bool = True) -> PairFacts:
    """Measure a pair.

    Args:
        pair: The pair.
        align: Whether to measure the offset as well, which takes most of the time.
    """
    try:
        rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    except IrTransferError as error:
        return PairFacts(pair.stem, str(error))
    luma, infrared = rgb.gray()[0], ir.gray()[0]
    sizes = (rgb.width, rgb.height), (ir.width, ir.height)
    fits = align and sizes[0] == sizes[1] and min(sizes[0]) >= LEAST_SIDE
    return PairFacts(
        pair.stem,
        sizes=sizes,
        gray_rgb=_is_gray(rgb),
        coloured_ir=ir.is_colour,
        bits=ir.bit_depth,
        used=_used(ir),
        hashes=(rgb.sha256,) if pair.rgb == pair.ir else (rgb.sha256, ir.sha256),
        prints=(fingerprint(luma), fingerprint(infrared)),
        shift=measure_shift(luma, infrared) if fits else None,
    )


def measure_single(single: Single) -> PairFacts:
    """Measure a file of an unpaired set."""
    name = single.stem
    try:
        image = open_side(single.path, single.side, single.layout)
    except IrTransferError as error:
        return PairFacts(name, str(error))
    common = {"sizes": ((image.width, image.height),), "hashes": (image.sha256,)}
    if single.side == "rgb":
        return PairFacts(f"rgb: {name}", gray_rgb=_is_gray(image), **common)  # type: ignore[arg-type]
    facts = {"coloured_ir": image.is_colour, "bits": image.bit_depth, "used": _used(image)}
    return PairFacts(f"ir: {name}", **facts, **common)  # type: ignore[arg-type]


def _is_gray(image: DecodedImage) -> bool:
    """Return whether the channels are equal except for the noise of JPEG; dark colour images differ little."""
    if len(image.levels) == 1:
        return True
    levels = image.levels.astype(np.float32)
    spread = float((levels.max(axis=0) - levels.min(axis=0)).mean())
    return spread <= 0.012 * float(levels.mean()) + 0.002 * image.white


def _used(image: DecodedImage) -> float:
    """Return the share of the range between the 1st and the 99th percentile of the levels."""
    low, high = np.percentile(image.levels, [1, 99])
    return float(high - low) / image.white


def similar_names(facts: Sequence[PairFacts]) -> list[tuple[str, str]]:
    """Return the names of pairs that are near-duplicates on both sides."""
    known = [(fact.name, fact.prints) for fact in facts if fact.prints is not None]
    if not known:
        return []
    rgb, ir = (np.stack([prints[side] for _, prints in known]) for side in (0, 1))
    return [(known[i][0], known[j][0]) for i, j in find_look_alikes(rgb, ir)]
