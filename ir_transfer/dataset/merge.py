"""Merging shards of several machines into the data set that a single run would have generated."""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ir_transfer.conversion.manifest import Entry, Header, Manifest
from ir_transfer.conversion.options import Summary
from ir_transfer.conversion.plan import Job, Plan, Variant
from ir_transfer.conversion.session import locked
from ir_transfer.dataset.card import write_card
from ir_transfer.dataset.label_files import problem_lines, write_labels
from ir_transfer.dataset.options import DatasetSummary
from ir_transfer.dataset.plan import find_source, refuse_nested, source_fields
from ir_transfer.errors import EncodeError, InputError, listed
from ir_transfer.inside import inside_path
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.open import open_labelled

_NEEDED = frozenset({"labels", "model", "weights", "style", "styles"})
"""Settings of a set that its labels and card name."""


def merge_shards(
    shards: Sequence[Path], out: Path, *, overwrite: bool = False, source: Path | None = None
) -> DatasetSummary:
    """Merge shards into one set with its labels and card; images are hard-linked if possible, otherwise copied.

    Args:
        shards: Folders that ``ir-transfer dataset --shard I/N`` made, in any order.
        out: Root of the merged set.
        overwrite: Replace existing files.
        source: RGB set; None takes the path in the manifest of a shard.

    Raises:
        InputError: A folder is not a shard, settings or counts of shards differ, a shard is missing, unfinished
            or given twice, or ``out`` is not empty.
        EncodeError: ``out`` cannot be written.
    """
    manifests = [_load(path) for path in shards]
    look = _common_settings(shards, manifests)
    if not overwrite and out.exists() and next(out.iterdir(), None) is not None:
        raise InputError(f"expected a fresh folder, got {out} with files in it: use --overwrite, or another -o")
    first = manifests[0].header
    root, orientation = _source_of(manifests, source), look.get("orientation", "auto")
    page = look.get("raster", {}).get("page")
    labelled = open_labelled(root, str(look["labels"]), orientation=orientation, page=page)
    for folder in (labelled.root, *shards):
        refuse_nested(folder, out)
    made = [dict(one.entries.items()) for one in manifests]  # read once, not for each of the steps
    _refuse_unfinished(shards, manifests, made, labelled)
    fields = source_fields(labelled.root, out)
    header = Header(
        re.sub(r" --shard[ =]\S+", "", first.command), look, first.versions, *fields, settings=first.settings
    )
    with locked(out):
        entries = {key: entry for one in made for key, entry in one.items()}
        for folder, one in zip(shards, made, strict=True):
            _link_images(folder, out, one.values())
        manifest = Manifest.create(out, header)
        try:
            plan = _plan(labelled, out, entries)
            manifest.entries.update(entries)
            manifest.finish(plan.order)
            run = _counted(plan, entries)
            summary = DatasetSummary(run, labelled.kind, len(labelled.images))
            written, summary.broken = write_labels(labelled, plan, manifest)
            summary.label_files = len(written)
            summary.problems = problem_lines(labelled)
            write_card(labelled, plan, manifest, [one["style"] for one in look["styles"]], summary)
        finally:
            manifest.close()
    return summary


def _source_of(manifests: Sequence[Manifest], given: Path | None) -> Path:
    found = given or next((root for one in manifests if (root := find_source(one)) is not None), None)
    if found is None:
        raise InputError(
            f"expected the RGB set of the shards in {manifests[0].header.source}, found none: pass its current path as "
            "--source"
        )
    return found


def _load(path: Path) -> Manifest:
    manifest = Manifest.load(path)
    if manifest is None or "shard" not in manifest.header.look:
        raise InputError(f"expected a shard of ir-transfer dataset in {path}, found none: check the path")
    if missing := _NEEDED - manifest.header.look.keys():
        raise InputError(
            f"expected {', '.join(sorted(missing))} in the settings of {manifest.path}, got none: the file was "
            "changed; make the shard again with --overwrite"
        )
    return manifest


def _common_settings(shards: Sequence[Path], manifests: Sequence[Manifest]) -> Mapping[str, Any]:
    first = manifests[0].header.look
    parts = int(first["shard"][1])
    whole = {key: value for key, value in first.items() if key != "shard"}
    seen: dict[int, Path] = {}
    for path, manifest in zip(shards, manifests, strict=True):
        part = int(manifest.header.look["shard"][0])
        asked = {**manifest.header.look, "shard": [part, parts]}
        Header("", {**whole, "shard": [part, parts]}, {}).refuse_other_settings(
            {**asked, "shard": manifest.header.look["shard"]}, path
        )
        if part in seen:
            raise InputError(f"expected each shard once, got shard {part + 1} in {seen[part]} and {path}")
        seen[part] = path
    missing = [str(part + 1) for part in range(parts) if part not in seen]
    if missing:
        raise InputError(f"expected all {parts} shards, got none with number {', '.join(missing)}: add them")
    return whole


def _refuse_unfinished(
    shards: Sequence[Path], manifests: Sequence[Manifest], made: Sequence[Mapping[str, Entry]], labelled: LabelledSet
) -> None:
    for path, manifest, entries in zip(shards, manifests, made, strict=True):
        part, parts = manifest.header.look["shard"]
        processed = {entry.input for entry in entries.values()}
        asked = labelled.images[part::parts]
        if others := sorted(processed - {str(image.rel_path) for image in asked}):
            raise InputError(
                f"expected results of the images of shard {part + 1} of {labelled.root} in {path}, got others: "
                f"{listed(others)}: the source has changed since; make the shards again with --resume"
            )
        if undone := [image for image in asked if str(image.rel_path) not in processed]:
            raise InputError(
                f"expected finished shards, got {path} without {len(undone)} of its {len(asked)} images (first: "
                f"{undone[0].rel_path}): finish it with --resume"
            )
        for entry in entries.values():
            if entry.status == "converted" and not inside_path(path, str(entry.output)).is_file():
                raise InputError(
                    f"expected the image {path / str(entry.output)} of a shard, found none: finish it with --resume"
                )


def _link_images(folder: Path, out: Path, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.status != "converted":
            continue
        source, target = inside_path(folder, str(entry.output)), inside_path(out, str(entry.output))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:  # another file system, or no support for links
                shutil.copyfile(source, target)
        except OSError as error:
            raise EncodeError(
                f"expected to write {target}, got: {error.strerror or error}: free some space, or choose another -o"
            ) from error


def _plan(labelled: LabelledSet, out: Path, entries: Mapping[str, Entry]) -> Plan:
    """Return the plan of the whole set, in the order of its images."""
    by_source: dict[str, list[Entry]] = {}
    for entry in entries.values():
        by_source.setdefault(entry.input, []).append(entry)
    jobs: list[Job] = []
    refused: list[Entry] = []
    for image in labelled.images:
        name = str(image.rel_path)
        made = by_source.get(name, [])
        refused += [entry for entry in made if entry.output is None]
        with_output = [(Variant(**(entry.variant or {})), entry) for entry in made if entry.output is not None]
        for variant, entry in sorted(with_output, key=lambda pair: pair[0].number):
            jobs.append(Job(str(image.path), str(entry.output), variant, name=name, page=labelled.page))
    return Plan(out, tuple(jobs), tuple(refused), labelled.ignored)


def _counted(plan: Plan, entries: Mapping[str, Entry]) -> Summary:
    summary = Summary(plan.out, plan)
    summary.converted = sum(entry.status == "converted" for entry in entries.values())
    summary.failed = len(entries) - summary.converted
    summary.without_result = {key for key, entry in entries.items() if entry.status == "failed"}
    return summary
