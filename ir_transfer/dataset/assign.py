"""Which style, strength and polarity each result gets: by the seed and the image alone, whatever the order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ir_transfer.conversion.plan import Job, Variant
from ir_transfer.dataset.likeness import Likeness
from ir_transfer.dataset.options import STRENGTH_STEP, DatasetOptions
from ir_transfer.imaging.image_io import DecodedImage


def draw_variants(options: DatasetOptions, place: PurePosixPath, index: int, styles: int) -> list[Variant]:
    """Return the variants of an image, as far as they are known before it is read; the luma last.

    Args:
        options: What the set is asked to be.
        place: Of the image.
        index: Of the image in the whole set.
        styles: How many there are.
    """
    draw = _generator(options.conversion.seed, place)
    order = draw.permutation(styles)
    if options.assign == "round-robin":
        order = (index * options.variants + np.arange(styles)) % styles
    strengths = _strengths(*options.strengths)
    variants = [
        Variant(
            number,
            int(order[number % styles]),
            float(draw.choice(strengths)),
            bool(draw.random() < options.flip_share),
        )
        for number in range(options.variants)
    ]
    if options.include_gray:
        variants.append(Variant(options.variants, None))
    return variants


class Chooser:
    """Replaces the style of a variant where it depends on what the image shows.

    Args:
        options: What the set is asked to be.
        places: Of every image in its set.
        likeness: Of images to the exemplars, where the nearest is asked for.
    """

    def __init__(
        self, options: DatasetOptions, places: Mapping[Path, PurePosixPath], likeness: Likeness | None
    ) -> None:
        self._places = places
        self._rules = options.rules
        self._seed = options.conversion.seed
        self._likeness = likeness

    def __call__(self, job: Job, image: DecodedImage) -> Job:
        """Return the job with its final style."""
        variant = job.variant
        if variant is None or variant.style is None:
            return job
        ranked: Sequence[int] = ()
        place = self._places[job.source]
        matching = list(dict.fromkeys(rule.style for rule in self._rules if rule.holds(place, image)))
        if matching:
            ranked = [matching[i] for i in _generator(self._seed, place).permutation(len(matching))]
        elif self._likeness is not None:
            ranked = self._likeness.ranked(image)
        if not ranked:
            return job
        return replace(job, variant=replace(variant, style=ranked[variant.number % len(ranked)]))


def _generator(seed: int, place: PurePosixPath) -> np.random.Generator:
    digest = hashlib.sha256(str(place).encode(errors="surrogateescape")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _strengths(low: float, high: float) -> list[float]:
    """Return the strengths to draw from: a GPU takes images of one strength together, so there are few."""
    between = np.arange(np.ceil(low / STRENGTH_STEP), np.floor(high / STRENGTH_STEP) + 1) * STRENGTH_STEP
    return sorted({low, high, *np.round(between, 6).tolist()})
