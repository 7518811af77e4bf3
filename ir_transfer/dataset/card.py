"""The card of a generated set: README.md with contact sheet, list of problems and the manifest as Parquet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Environment, StrictUndefined

from ir_transfer.conversion.controls import RasterOptions
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.plan import Plan, Variant
from ir_transfer.conversion.preview import draw_preview
from ir_transfer.dataset.options import CARD_FOLDER, CARD_NAME, PROBLEMS_NAME, DatasetSummary
from ir_transfer.imaging.image_io import MAX_PIXELS, encode_png, write_whole
from ir_transfer.json_files import json_text
from ir_transfer.labels.base import LabelledSet
from ir_transfer.markdown import markdown_block, markdown_code, markdown_text

_SHEET, _PARQUET = "contact_sheet.png", "manifest.parquet"
_ROWS = 10_000  # per row group, so that the table of a large set is never held as a whole
_SHOWN = 20  # problems on the card


def write_card(
    labelled: LabelledSet, plan: Plan, manifest: Manifest, styles: Sequence[str], summary: DatasetSummary
) -> None:
    """Write the card, its contact sheet and the manifest as Parquet.

    Raises:
        EncodeError: The disk is full or the folder is gone.
        DecodeError: An image of the contact sheet was damaged after its conversion.
    """
    folder = plan.out / CARD_FOLDER
    asked = _raster_options(manifest.header.look.get("raster", {}))
    sheet = draw_preview(_with_final_variants(plan, manifest), styles, MAX_PIXELS, summary.run.without_result, asked)
    if sheet is not None:
        write_whole(folder / _SHEET, encode_png(sheet))
    write_whole(folder / _PARQUET, _parquet(manifest))
    if summary.problems:
        lines = "".join(f"{line}\n" for line in summary.problems)
        write_whole(folder / PROBLEMS_NAME, lines.encode(errors="surrogateescape"))
    path = folder / CARD_NAME if (labelled.root / CARD_NAME).exists() else plan.out / CARD_NAME
    shown = _SHEET if path.parent == folder else f"{CARD_FOLDER}/{_SHEET}"
    text = _text(labelled, plan, manifest, styles, summary, sheet=None if sheet is None else shown)
    write_whole(path, text.encode(errors="surrogateescape"))


def _raster_options(look: Mapping[str, Any]) -> RasterOptions:
    """Return the raster options of a run from its manifest."""
    given = {name: look[name] for name in ("bands", "levels", "nodata") if name in look}
    options: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in given.items()}
    return RasterOptions(**options)


def _with_final_variants(plan: Plan, manifest: Manifest) -> Plan:
    """Return the plan with the final variants of the manifest, which may depend on the content of the images."""
    made = {key: entry.variant for key, entry in manifest.entries.items() if entry.variant is not None}
    jobs = (replace(job, variant=Variant(**made[str(job.output)])) for job in plan.jobs if str(job.output) in made)
    return replace(plan, jobs=tuple(jobs))


def _text(
    labelled: LabelledSet,
    plan: Plan,
    manifest: Manifest,
    styles: Sequence[str],
    summary: DatasetSummary,
    *,
    sheet: str | None,
) -> str:
    entries = [entry for entry in manifest.entries.values() if entry.status == "converted"]
    failed = [entry for entry in manifest.entries.values() if entry.status == "failed"]
    splits = {str(image.rel_path): image.split or "none" for image in labelled.images}
    template = files("ir_transfer.dataset").joinpath("card.md").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
    environment.filters |= {"text": markdown_text, "code": markdown_code, "block": markdown_block}
    return environment.from_string(template).render(
        name=plan.out.resolve().name,
        source=labelled.root.resolve().name,
        kind=labelled.kind,
        compared=0 if summary.broken else labelled.compared,
        unread=[f"{rel_path}: {message}" for rel_path, message in labelled.unread[:_SHOWN]],
        unread_count=len(labelled.unread),
        classes=labelled.classes,
        licences=labelled.licences,
        info=labelled.info,
        results=len(entries),
        sources=len({entry.input for entry in entries}),
        failed=failed[:_SHOWN],
        failures=len(failed),
        splits=sorted(Counter(splits[entry.input] for entry in entries).items()),
        styles=_style_rows(styles, manifest, entries),
        problems=summary.problems[:_SHOWN],
        problem_count=len(summary.problems),
        broken=summary.broken[:_SHOWN],
        command=manifest.header.command,
        look=json_text(dict(manifest.header.look), indent=2),
        versions=dict(manifest.header.versions),
        sheet=sheet,
    )


def _style_rows(styles: Sequence[str], manifest: Manifest, entries: Sequence[Entry]) -> list[tuple[str, str, int]]:
    counts = Counter(None if entry.variant is None else entry.variant["style"] for entry in entries)
    hashes = [one["hash"] for one in manifest.header.look["styles"]]
    rows = [(Path(style).name, hashes[i], counts[i]) for i, style in enumerate(styles)]
    return [*rows, ("plain luma", "-", counts[None])] if counts[None] else rows


def _parquet(manifest: Manifest) -> bytes:
    """Return the entries of the manifest as a Parquet file, with command and settings in its metadata."""
    header = {"command": str(_text_of(manifest.header.command)), "look": json_text(dict(manifest.header.look))}
    entries, sink = iter(manifest.entries.values()), pa.BufferOutputStream()
    first = _table(islice(entries, _ROWS)).replace_schema_metadata(header)
    with pq.ParquetWriter(sink, first.schema) as writer:
        writer.write_table(first)
        while (table := _table(islice(entries, _ROWS))).num_rows:
            writer.write_table(table)
    return bytes(sink.getvalue())


def _table(entries: Iterable[Entry]) -> Any:
    rows = [_row(entry) for entry in entries]
    names = ("input", "output", "status", "input_sha256", "output_sha256", "error")
    numbers = ("width", "height", "bit_depth", "variant", "style", "stored_orientation")
    columns = {name: pa.array([_text_of(row[name]) for row in rows], pa.string()) for name in names}
    columns |= {name: pa.array([row[name] for row in rows], pa.int64()) for name in numbers}
    for name in ("found", "heated"):
        columns[name] = pa.array([None if row[name] is None else json_text(row[name]) for row in rows], pa.string())
    columns["strength"] = pa.array([row["strength"] for row in rows], pa.float64())
    columns["inverted"] = pa.array([row["inverted"] for row in rows], pa.bool_())
    return pa.table(columns)


def _row(entry: Entry) -> dict[str, object]:
    variant = entry.variant or {"number": None, "style": None, "strength": None, "inverted": None}
    rest = {name: variant[name] for name in ("style", "strength", "inverted")}
    return {**{one.name: getattr(entry, one.name) for one in fields(entry)}, **rest, "variant": variant["number"]}


def _text_of(value: object) -> str | None:
    """Return text as valid UTF-8 for Parquet; file names may hold other bytes."""
    return None if value is None else str(value).encode(errors="surrogateescape").decode(errors="backslashreplace")
