"""Plans the results of each image of a set: paths, style, strength and polarity, by the seed and the image."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog

from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.plan import Job, Plan, Variant
from ir_transfer.dataset.options import STRENGTH_STEP, DatasetOptions
from ir_transfer.errors import InputError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_io import OUTPUT_SUFFIX, DecodedImage
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.remote import is_remote, public
from ir_transfer.labels.base import LabelledSet

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


def plan_dataset(options: DatasetOptions, labelled: LabelledSet, out: Path, styles: int) -> Plan:
    """Return the jobs of all images; a shard takes every N-th image.

    Raises:
        InputError: No image, or one of ``out`` and the source contains the other.
    """
    refuse_nested(labelled.root, out)
    if not labelled.images:
        raise InputError(f"expected a set with images in {labelled.root}, found none: check the path, or --labels")
    ending = OUTPUT_SUFFIX[options.conversion.format]
    page = labelled.page
    jobs: list[Job] = []
    refused: list[Entry] = []
    taken: dict[PurePosixPath, Path] = {}
    shard, shards = options.shard or (0, 1)
    for index, image in enumerate(labelled.images):
        variants = draw_variants(options, image.rel_path, index, styles)
        outputs = [image.rel_path.with_name(_name(image.rel_path.stem, one) + ending) for one in variants]
        rival = next((taken[output] for output in outputs if output in taken), None)
        if rival is None:
            taken |= dict.fromkeys(outputs, image.path)
        if index % shards != shard:
            continue
        if rival is not None:
            error = f"{image.path}: expected unique result names, got {outputs[0]} also for {rival}: rename one"
            refused.append(Entry(str(image.rel_path), None, "failed", error=error))
            continue
        name = str(image.rel_path)
        pairs = zip(outputs, variants, strict=True)
        jobs += [Job(str(image.path), str(output), one, name=name, page=page) for output, one in pairs]
    return Plan(out, tuple(jobs), tuple(refused), labelled.ignored)


def refuse_nested(folder: Path, out: Path) -> None:
    """Raise :class:`InputError` if ``out`` equals, contains or is inside ``folder``, with links resolved."""
    root, target = folder.resolve(), out.resolve()
    if root == target or root in target.parents or target in root.parents:
        raise InputError(f"expected -o outside {folder}, got {out}: choose a folder next to it")


def in_label_frames(plan: Plan, labelled: LabelledSet) -> Plan:
    """Return the plan with the results in the frame of the labels of their images."""
    orientations = {image.path: labelled.stored_orientation(image) for image in labelled.images}
    return replace(plan, jobs=tuple(replace(job, turn=orientations[job.source]) for job in plan.jobs))


def by_windows(plan: Plan, options: DatasetOptions) -> Plan:
    """Return the plan with rasters read in windows, so that bands, levels, bit depth and georeference are kept.

    Options that need the whole image cannot be applied to a raster; it then has no result, and its entry says why.
    """
    jobs: list[Job] = []
    refused: dict[Path, Entry] = {}
    for job in plan.jobs:
        if not needs_windows(job.source, options):
            jobs.append(job)
        elif wrong := _not_by_windows(job, options):
            error = f"{job.source}: expected no {' or '.join(wrong)} for a raster: omit it for rasters"
            refused.setdefault(job.source, Entry(job.input, None, "failed", error=error))
        else:
            result = job.output.with_suffix(OUTPUT_SUFFIX["tiff"])
            jobs.append(replace(job, raster=job.path, result=str(result)))
    return replace(plan, jobs=tuple(jobs), refused=(*plan.refused, *refused.values()))


def needs_windows(path: Path, options: DatasetOptions) -> bool:
    """Return whether an image is read in windows, by the rule of a conversion."""
    asked, most = options.conversion.raster, options.conversion.max_pixels
    return not is_remote(path) and is_raster(str(path), most, by_windows=asked.needs_windows, page=asked.page)


def _not_by_windows(job: Job, options: DatasetOptions) -> list[str]:
    asked = {
        "--include-gray": job.variant is not None and job.variant.style is None,
        "--rule": bool(options.rules),
        "--assign nearest": options.assign == "nearest",
        "orientation tag": read_header(job.source, job.page).orientation != 1,
    }
    return [name for name, is_asked in asked.items() if is_asked]


def default_out(root: Path) -> Path:
    """Return ``<root>_ir`` in the parent folder of the source."""
    root = root.resolve()
    return root.with_name(f"{root.name}_ir")


def source_fields(root: Path, out: Path) -> tuple[str, str | None]:
    """Return the root of the source for the manifest: absolute, and relative to ``out`` (None for remote folders)."""
    root, out = root.resolve(), out.resolve()
    if is_remote(root) or is_remote(out):
        return public(root), None
    return str(root), Path(os.path.relpath(root, out)).as_posix()


def find_source(manifest: Manifest) -> Path | None:
    """Return the root of the source of a generated set; None if neither path in the manifest exists."""
    header = manifest.header
    rel_paths = [] if header.source is None else [Path(header.source)]
    if header.source_from_here is not None:
        rel_paths.append(Path(os.path.normpath(manifest.path.parent.resolve() / header.source_from_here)))
    return next((rel_path for rel_path in rel_paths if rel_path.is_dir()), None)


def results_of(
    labelled: LabelledSet, plan: Plan, entries: Mapping[str, Entry]
) -> dict[PurePosixPath, list[PurePosixPath]]:
    """Return the paths of the converted results by path of their image."""
    rel_paths = {image.path: image.rel_path for image in labelled.images}
    results: dict[PurePosixPath, list[PurePosixPath]] = {image.rel_path: [] for image in labelled.images}
    for job in plan.jobs:
        entry = entries.get(str(job.output))
        if entry is not None and entry.status == "converted":
            results[rel_paths[job.source]].append(job.output)
    return results


def _name(stem: str, variant: Variant) -> str:
    if variant.style is None:
        return f"{stem}__gray"
    return stem if variant.number == 0 else f"{stem}__v{variant.number}"
