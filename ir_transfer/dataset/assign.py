"""Assignment of style, strength and polarity to results; it depends on the seed and the image, not on the order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

from ir_transfer.conversion.plan import Job, Variant
from ir_transfer.dataset.options import STRENGTH_STEP, DatasetOptions
from ir_transfer.imaging.image_io import DecodedImage

_SIDE, _CELL = 64, 8


def draw_variants(options: DatasetOptions, rel_path: PurePosixPath, index: int, styles: int) -> list[Variant]:
    """Return the variants of an image as known before it is read; the plain luma, if requested, is last.

    Args:
        options: Options of the set.
        rel_path: Path of the image relative to the root of the set.
        index: Index of the image in the whole set.
        styles: Number of styles.
    """
    draw = _generator(options.conversion.seed, rel_path)
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


class ExemplarSimilarity:
    """Ranks style exemplars (infrared images) by the similarity of their structure to an RGB image.

    Histograms of oriented gradients (Dalal and Triggs 2005) over 8 x 8 cells, with unsigned orientations, so that the
    polarity does not matter.

    Args:
        exemplars: Infrared images, each float32 (h, w) in [0, 1].
    """

    def __init__(self, exemplars: Sequence[NDArray[np.float32]]) -> None:
        self._descriptor = np.stack([_descriptor(one) for one in exemplars])

    def ranked(self, image: DecodedImage) -> list[int]:
        """Return the indices of the exemplars, the most similar first."""
        distances = np.linalg.norm(self._descriptor - _descriptor(image.gray()[0]), axis=1)
        return [int(i) for i in np.argsort(distances, kind="stable")]


class StyleChooser:
    """Replaces the style of a variant if it depends on the content of the image.

    Args:
        options: Options of the set.
        rel_paths: Path relative to the root of the set, by path of the image.
        similarity: Similarity to the exemplars; None unless ``--assign nearest`` is given.
    """

    def __init__(
        self, options: DatasetOptions, rel_paths: Mapping[Path, PurePosixPath], similarity: ExemplarSimilarity | None
    ) -> None:
        self._rel_paths = rel_paths
        self._rules = options.rules
        self._seed = options.conversion.seed
        self._similarity = similarity

    def __call__(self, job: Job, image: DecodedImage) -> Job:
        """Return the job with its final style."""
        variant = job.variant
        if variant is None or variant.style is None:
            return job
        ranked: Sequence[int] = ()
        rel_path = self._rel_paths[job.source]
        matching = list(dict.fromkeys(rule.style for rule in self._rules if rule.holds(rel_path, image)))
        if matching:
            ranked = [matching[i] for i in _generator(self._seed, rel_path).permutation(len(matching))]
        elif self._similarity is not None:
            ranked = self._similarity.ranked(image)
        if not ranked:
            return job
        return replace(job, variant=replace(variant, style=ranked[variant.number % len(ranked)]))


def _generator(seed: int, rel_path: PurePosixPath) -> np.random.Generator:
    digest = hashlib.sha256(str(rel_path).encode(errors="surrogateescape")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _strengths(low: float, high: float) -> list[float]:
    """Return the strengths to draw from: few, since a batch holds images of one strength."""
    between = np.arange(np.ceil(low / STRENGTH_STEP), np.floor(high / STRENGTH_STEP) + 1) * STRENGTH_STEP
    return sorted({low, high, *np.round(between, 6).tolist()})


def _descriptor(gray: NDArray[np.float32]) -> NDArray[np.float64]:
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    described: NDArray[np.float64] = hog(small, 9, (_CELL, _CELL), (2, 2), feature_vector=True)
    return described
