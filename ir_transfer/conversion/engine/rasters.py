"""Translation of a raster in windows as one job, unless an earlier run has done it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.conversion.controls import MEMORY
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.tasks import Outcome, failed_entry, is_unchanged, output_hash_of, write_failure
from ir_transfer.conversion.exported.translator import AnyTranslator, in_torch
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.options import Observer, Options
from ir_transfer.conversion.plan import Job
from ir_transfer.conversion.tiles.memory import refuse_untiled
from ir_transfer.errors import EncodeError, InputError, IrTransferError
from ir_transfer.imaging.companions import hash_file, hash_raster
from ir_transfer.imaging.read_warnings import warn_once
from ir_transfer.imaging.remote import is_remote

if TYPE_CHECKING:
    from ir_transfer.conversion.tiles.raster import RasterResult
    from ir_transfer.conversion.translate import Translator


def translate_raster(
    job: Job,
    earlier: Entry | None,
    options: Options,
    out_folder: Path,
    translator: AnyTranslator,
    finish: PostProcess,
    observer: Observer | None = None,
) -> Outcome:
    """Translate a raster in windows, unless its result exists.

    Args:
        job: The raster and its result.
        earlier: Manifest line of the job from an earlier run.
        options: How to read and write.
        out_folder: Folder of the results.
        translator: The model with its styles.
        finish: Polarity of the results; steps that need the whole image are refused.
        observer: Notified of every window.
    """
    path, out = str(job.raster), out_folder / job.output
    entry = failed_entry(job)
    try:
        contents, companions = hash_raster(path)
        entry = replace(entry, input_sha256=contents, companions_sha256=companions)
        same = is_unchanged(entry, earlier) and _has_compression(earlier, options)
        if same and out.is_file() and hash_file(out) == output_hash_of(earlier):
            return Outcome(None)
        if is_remote(out_folder):
            raise InputError(f"{path}: expected a local -o for a raster, got {out_folder}: copy the result later")
        _refuse_steps(path, finish)
        refuse_untiled(translator)
        asked = options.raster
        out.parent.mkdir(parents=True, exist_ok=True)
        made = _convert(job, out, options, in_torch(translator), finish, f"{contents} {companions}", observer)
        warn_once(made.reading.notes, job.source)
    except EncodeError as error:
        return write_failure(entry, error)
    except IrTransferError as error:
        return Outcome(replace(entry, error=error.line if path in error.line else f"{path}: {error.line}"))
    except OSError as error:
        return Outcome(replace(entry, error=f"{path}: expected a readable file, got: {error.strerror}"))
    return Outcome(
        replace(
            entry,
            status="converted",
            output_sha256=hash_file(out),
            width=made.width,
            height=made.height,
            raster={
                "bands": list(made.bands),
                "levels": list(made.levels),
                "bit_depth": made.bit_depth,
                "tile": made.tile,
                **({} if made.nodata is None else {"nodata": made.nodata}),
                **({} if asked.compression is None else {"compression": asked.compression}),
                **({"cog": True} if asked.cog else {}),
                **({"overviews": True} if asked.overviews or asked.cog else {}),
            },
            reading=made.reading.record(),
        )
    )


def _convert(
    job: Job,
    out: Path,
    options: Options,
    translator: Translator,
    finish: PostProcess,
    contents: str,
    observer: Observer | None,
) -> RasterResult:
    # imported late: it imports torch, which a run of an exported file does not need
    from ir_transfer.conversion.tiles.raster import convert_raster

    asked, size = options.raster, options.size
    variant = job.variant
    index = 0 if variant is None or variant.style is None else variant.style
    return convert_raster(
        str(job.raster),
        out,
        translator if variant is None else translator.of(variant),
        bands=asked.bands,
        levels=asked.levels,
        nodata=asked.nodata,
        page=job.page,
        bit_depth=asked.bit_depth,
        tile=size.tile,
        memory=size.memory or MEMORY,
        cog=asked.cog,
        overviews=asked.overviews,
        compression=asked.compression,
        inverted=(index in finish.inverted) != (variant is not None and variant.inverted),
        resume=options.resume,
        contents=contents,
        observer=observer,
    )


def _has_compression(earlier: Entry | None, options: Options) -> bool:
    """Return whether an earlier run wrote a raster with the requested compression."""
    made = earlier.raster if earlier is not None else None
    return (made or {}).get("compression") == options.raster.compression


def _refuse_steps(path: str, finish: PostProcess) -> None:
    asked = [("--heat", finish.heat is not None), ("--sensor or --agc", bool(finish.steps))]
    if found := [name for name, is_asked in asked if is_asked]:
        raise InputError(
            f"{path}: expected no {' or '.join(found)} for a raster: omit it, since it needs the whole raster at once"
        )
