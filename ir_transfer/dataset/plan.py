"""Planning the results of each image of a set, and the paths of source and output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.plan import Job, Plan, Variant
from ir_transfer.dataset.assign import draw_variants
from ir_transfer.dataset.options import DatasetOptions
from ir_transfer.errors import InputError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_io import OUTPUT_SUFFIX
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.remote import is_remote, public
from ir_transfer.labels.base import LabelledSet


def plan_dataset(options: DatasetOptions, labelled: LabelledSet, out: Path, styles: int) -> Plan:
    """Return the jobs of all images; a shard takes every N-th image.

    Args:
        options: Options of the set.
        labelled: Source set.
        out: Root of the new set.
        styles: Number of styles.

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
    """Return the root of the source for the manifest: absolute, and relative to ``out`` (None for remote folders).

    Args:
        root: Root of the RGB set.
        out: Root of the new set.
    """
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
