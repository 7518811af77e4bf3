"""What is done for one picture, wherever it is done: read and decode, translate, finish, write."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.engine.budget import Budget, Size
from ir_transfer.conversion.engine.finish import Finish
from ir_transfer.conversion.engine.reports import warn_once, world_file
from ir_transfer.conversion.engine.translators import AnyTranslator, in_torch
from ir_transfer.conversion.launched import Launched, Result
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.masks import Masks, PictureMasks
from ir_transfer.conversion.options import Observer, Options
from ir_transfer.conversion.plan import Job
from ir_transfer.conversion.size_options import MEMORY, SMALLEST_TILE
from ir_transfer.conversion.tiles.ends import ArraySink, PictureSource
from ir_transfer.conversion.tiles.memory import is_out_of_memory
from ir_transfer.conversion.tiles.rules import can_tile, refuse_untiled
from ir_transfer.data.companions import hash_file, hash_picture_companions, hash_raster
from ir_transfer.data.image_decode import Wanted
from ir_transfer.data.image_header import upright_size
from ir_transfer.data.image_io import Picture, decode_picture, files_beside, narrow_levels, read_bytes, write_whole
from ir_transfer.data.raster.kind import holds_raster
from ir_transfer.data.remote import is_remote
from ir_transfer.errors import EncodeError, InputError, IrTransferError
from ir_transfer.nn.limits import SMALLEST_SIDE

# After these no later picture can be written either.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_NO_SPACE = "stopped: no later picture could be written either; mend that, then go on with --resume"


@dataclass(frozen=True)
class Task:
    """A picture with all that is made of it.

    Attributes:
        jobs: Of one source.
        earlier: What an earlier run made of these jobs, by output.
    """

    jobs: tuple[Job, ...]
    earlier: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A job with its decoded picture, and its line of the manifest as long as nothing came of it."""

    job: Job
    picture: Picture
    entry: Entry
    masks: PictureMasks | None = None

    @property
    def size(self) -> Size:
        """Of the picture."""
        return Size(self.picture.height, self.picture.width, self.picture.levels.dtype.itemsize)

    @property
    def kind(self) -> tuple[tuple[int, int], tuple[int | None, float] | None, str | None]:
        """What pictures of one batch have in common: size, style and strength; one with invalid pixels goes alone."""
        variant = self.job.variant
        size = self.picture.height, self.picture.width
        alone = None if self.picture.valid is None else str(self.job.output)
        return size, None if variant is None else (variant.style, variant.strength), alone


@dataclass(frozen=True)
class Outcome:
    """What became of one job.

    Attributes:
        entry: For the manifest; None if an earlier run made it and nothing changed since.
        stop: Why no later job can be done either.
    """

    entry: Entry | None
    stop: str | None = None


Translated = list[tuple[Loaded, Result | Outcome]]
"""Pictures with what became of them."""


@dataclass(frozen=True)
class Translation:
    """Pictures of one kind that are with the device, or were.

    Attributes:
        parts: Pictures with what the device makes of them, or with why one cannot be translated.
    """

    parts: Sequence[tuple[Sequence[Loaded], Launched | Outcome]]

    def done(self) -> bool:
        """Return whether :meth:`result` returns at once."""
        return all(isinstance(made, Outcome) or made.done() for _, made in self.parts)

    def result(self) -> tuple[Translated, float]:
        """Wait for the device; return each picture with its result, and the seconds that the device computed."""
        found: Translated = []
        seconds = 0.0
        for items, made in self.parts:
            if isinstance(made, Outcome):
                found += [(item, made) for item in items]
            else:
                found += list(zip(items, made.results(), strict=True))
                seconds += made.seconds()
        return found, seconds


@dataclass(frozen=True)
class Worker:
    """Deals with pictures; knows nothing of manifest, order or progress, so that any process may have one.

    Attributes:
        options: How to read and write.
        out: Folder of the results.
        translator: The model with its styles.
        finish: From intensities to files.
        choose: Completes a job by what its picture shows.
        masks: Of the pictures, if they have any.
    """

    options: Options
    out: Path
    translator: AnyTranslator
    finish: Finish
    choose: Callable[[Job, Picture], Job] | None = None
    masks: Masks | None = None

    @cached_property
    def budget(self) -> Budget:
        """The memory that pictures and translator share."""
        controls = self.options.controls
        masks = 0 if self.masks is None else max(1, len(controls.style_masks))
        steps = bool(self.finish.steps) or self.finish.heat is not None
        return Budget(self.options.size, self.translator, masks, steps)

    def read(self, task: Task, size: Size | None = None) -> list[Loaded | Outcome]:
        """Read a picture once for all its jobs; an outcome is what needs no translation.

        Args:
            task: What to make of it.
            size: Of the picture, where its header was read: one that takes more than ``--memory`` is refused.
        """
        jobs = task.jobs
        try:
            if size is not None:
                self.budget.refuse(size, str(jobs[0].source))
            data = self._bytes_of(jobs[0].source)
            companions = hash_picture_companions(jobs[0].source)
        except IrTransferError as error:
            return [Outcome(replace(blank(job), error=error.line)) for job in jobs]
        except MemoryError:
            return [Outcome(replace(blank(job), error=_memory_error(blank(job)))) for job in jobs]
        sha256 = hashlib.sha256(data).hexdigest()
        loaded: list[Loaded | Outcome] = []
        decoded: dict[int | None, Picture] = {}
        for job in jobs:
            entry = replace(blank(job), input_sha256=sha256, companions_sha256=companions)
            one = self._load(job, entry, task.earlier.get(str(job.output)), data, decoded.get(job.page))
            if isinstance(one, Loaded):
                decoded = {job.page: one.picture}
            loaded.append(one)
        return loaded

    def launch(self, batch: Sequence[Loaded]) -> Translation:
        """Begin to translate pictures of one kind; those whose memory together is too much go one by one."""
        launched, reason = self._attempt(batch)
        if launched is not None:
            return Translation([(batch, launched)])
        if len(batch) > 1:  # one picture, or the memory of all together: find out
            return Translation([part for item in batch for part in self.launch([item]).parts])
        return Translation([(batch, Outcome(replace(batch[0].entry, error=reason)))])

    def write(self, item: Loaded, result: Result) -> Outcome:
        """Finish a result and write its file."""
        entry = item.entry
        try:
            made = self.finish(result, item.job, item.picture)
            if made.heat is not None:
                entry = replace(entry, found=made.heat.found, heated=made.heat.changed)
            write_whole(self.out / str(entry.output), made.data)
        except EncodeError as error:
            return Outcome(replace(entry, error=error.line), _NO_SPACE if error.errno in _FATAL else None)
        except IrTransferError as error:
            return Outcome(replace(entry, error=f"{entry.input}: {error.line}"))
        except MemoryError:
            return Outcome(replace(entry, error=_memory_error(entry)))
        return Outcome(replace(entry, status="converted", output_sha256=hashlib.sha256(made.data).hexdigest()))

    def raster(self, job: Job, earlier: Entry | None, observer: Observer | None = None) -> Outcome:
        """Translate a raster by windows; ``observer`` is told of each."""
        path, out = str(job.raster), self.out / job.output
        entry = blank(job)
        try:
            contents, companions = hash_raster(path)
            entry = replace(entry, input_sha256=contents, companions_sha256=companions)
            same = _is_unchanged(entry, earlier) and self._has_compression(earlier)
            if same and out.is_file() and hash_file(out) == _output_of(earlier):
                return Outcome(None)
            if is_remote(self.out):
                raise InputError(f"{path}: expected a local -o for a raster, got {self.out}: copy the result later")
            self._refuse_steps(path)
            refuse_untiled(self.translator)
            from ir_transfer.conversion.tiles.raster import (
                convert_raster,  # with torch, which an exported file needs not
            )

            asked, size = self.options.raster, self.options.size
            out.parent.mkdir(parents=True, exist_ok=True)
            variant = job.variant
            index = 0 if variant is None or variant.style is None else variant.style
            translator = in_torch(self.translator)
            made = convert_raster(
                path,
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
                inverted=(index in self.finish.inverted) != (variant is not None and variant.inverted),
                resume=self.options.resume,
                contents=f"{contents} {companions}",
                observer=observer,
            )
            warn_once(made.reading.notes, job.source)
        except EncodeError as error:
            return Outcome(replace(entry, error=error.line), _NO_SPACE if error.errno in _FATAL else None)
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

    def _has_compression(self, earlier: Entry | None) -> bool:
        """Return whether an earlier run wrote a raster with the compression that is asked for."""
        made = earlier.raster if earlier is not None else None
        return (made or {}).get("compression") == self.options.raster.compression

    def _refuse_steps(self, path: str) -> None:
        asked = [("--heat", self.finish.heat is not None), ("--sensor or --agc", bool(self.finish.steps))]
        if found := [name for name, is_asked in asked if is_asked]:
            raise InputError(
                f"{path}: expected no {' or '.join(found)} for a raster: leave it out, since it needs all of the "
                "raster at once"
            )

    def _bytes_of(self, source: Path) -> bytes:
        data = read_bytes(source, self.options.max_pixels)
        if is_remote(source) and holds_raster(data, source.name, self.options.max_pixels):
            raise InputError(
                f"{source}: expected a picture in remote storage, got a raster: name it as GDAL does, such as "
                "/vsis3/bucket/name.tif or /vsigs/bucket/name.tif, with a local -o"
            )
        return data

    def _load(
        self, job: Job, entry: Entry, earlier: Entry | None, data: bytes, picture: Picture | None
    ) -> Loaded | Outcome:
        try:
            masks_sha256 = self.masks.fingerprint(job.place) if self.masks else None
            entry = replace(entry, masks_sha256=masks_sha256)
            done = self._is_done(job, entry, earlier)
            if done and earlier is not None and earlier.variant == entry.variant:
                return Outcome(None)
            if picture is None:
                picture = self._decoded(job, data)
                self._report(job, picture)
            if min(picture.height, picture.width) < SMALLEST_SIDE:
                raise InputError(
                    f"{job.source}: expected sides of at least {SMALLEST_SIDE} pixels, "
                    f"got {picture.width} x {picture.height}: enlarge or remove it"
                )
            self._refuse_large_grid(job, picture)
            masks = self.masks.read(job.place, picture.height, picture.width) if self.masks else None
        except IrTransferError as error:
            return Outcome(replace(entry, error=error.line))
        except MemoryError:
            return Outcome(replace(entry, error=_memory_error(entry)))
        job = job if self.choose is None else self.choose(job, picture)
        if done and earlier is not None and earlier.variant == blank(job).variant:
            return Outcome(None)  # what the picture shows had decided
        height, width = upright_size((picture.height, picture.width), job.turn)
        entry = replace(
            entry,
            variant=blank(job).variant,
            width=width,
            height=height,
            bit_depth=picture.bit_depth,
            reading=picture.reading.record(),
        )
        return Loaded(job, picture, entry, masks)

    def _decoded(self, job: Job, data: bytes) -> Picture:
        asked, source = self.options.raster, job.source
        if found := [name for name, is_asked in (("--cog", asked.cog), ("--overviews", asked.overviews)) if is_asked]:
            raise InputError(
                f"{source}: expected a TIFF or VRT for {' and '.join(found)}, got an image that becomes a "
                f"{self.finish.format.upper()}: leave it out, or convert the image apart"
            )
        wanted = Wanted(job.page, asked.bands, asked.nodata, files_beside(source))
        return decode_picture(data, str(source), self.options.max_pixels, asked.levels, wanted)

    def _report(self, job: Job, picture: Picture) -> None:
        notes = picture.reading.notes
        if self.options.raster.levels is None and (span := narrow_levels(picture)) is not None:
            notes.append(
                f"its levels lie in {span[0]} to {span[1]} of 16 bits, so that it is dark: "
                f"pass --levels {span[0]},{span[1]}"
            )
        if (place := world_file(job.source)) is not None:
            notes.append(f"its world file {place.name} is not kept: convert the image to GeoTIFF to keep its place")
        if picture.valid is not None and not can_tile(self.translator):
            notes.append("this model or these options let invalid pixels count in its statistics")
        warn_once(notes, job.source)

    def _refuse_large_grid(self, job: Job, picture: Picture) -> None:
        cells = sum(map(len, self.translator.grid))
        if cells * picture.height * picture.width > self.options.max_pixels:
            raise InputError(
                f"{job.source}: expected a grid of at most {self.options.max_pixels} pixels, got {cells} times "
                f"{picture.width} x {picture.height}: use a smaller --style-grid or picture, or raise --max-pixels"
            )

    def _is_done(self, job: Job, entry: Entry, earlier: Entry | None) -> bool:
        if not _is_unchanged(entry, earlier):
            return False
        try:
            made = read_bytes(self.out / job.output)
        except IrTransferError:
            return False  # gone, or not readable: it is made again
        return hashlib.sha256(made).hexdigest() == _output_of(earlier)

    def _attempt(self, batch: Sequence[Loaded]) -> tuple[Launched | None, str | None]:
        """Begin to translate a batch; None and the reason if that fails: then nothing of it holds memory."""
        began = time.perf_counter()
        try:
            made = self._at_once(batch)
            if made is None:
                variant = batch[0].job.variant
                translator = self.translator if variant is None else self.translator.of(variant)
                levels = self.finish.bit_depth if self.finish.takes_levels else None
                return translator.launch([item.picture for item in batch], levels), None
        except IrTransferError as error:
            return None, f"{batch[0].job.source}: {error.line}"
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            made = None
        reason = None
        if made is None:  # after the exception, whose frames hold memory
            made, reason = self._smaller(batch)
        return None if made is None else Launched.of(made, time.perf_counter() - began), reason

    def _at_once(self, batch: Sequence[Loaded]) -> list[NDArray[np.float32]] | None:
        """Return results for which the host waits; None if these pictures go to the device as a batch."""
        if (masks := batch[0].masks) is not None:  # these come one by one
            self.budget.tile(self.translator, batch[0].size)  # refuses what exceeds the memory
            return [in_torch(self.translator).with_masks(batch[0].picture, masks)]
        pictures, variant = [item.picture for item in batch], batch[0].job.variant
        if variant is not None and variant.style is None:
            return [picture.gray()[0] for picture in pictures]
        translator = self.translator if variant is None else self.translator.of(variant)
        tile = self.budget.tile(translator, batch[0].size) if len(pictures) == 1 else None
        if tile is None and pictures[0].valid is not None and can_tile(translator):  # tiles know what counts
            tile = max(pictures[0].height, pictures[0].width)
        return None if tile is None else [_by_tiles(translator, pictures[0], tile)]

    def _smaller(self, batch: Sequence[Loaded]) -> tuple[list[NDArray[np.float32]] | None, str | None]:
        """Translate one picture whose memory as a whole was too much by tiles, where the model can."""
        reason = _memory_error(batch[0].entry)
        if len(batch) > 1 or batch[0].masks is not None:
            return None, reason
        picture, variant = batch[0].picture, batch[0].job.variant
        translator = self.translator if variant is None else self.translator.of(variant)
        try:
            refuse_untiled(translator)
            return [_by_tiles(translator, picture, max(picture.height, picture.width) // 2)], None
        except InputError:
            return None, reason
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None, reason


def _by_tiles(translator: AnyTranslator, picture: Picture, tile: int) -> NDArray[np.float32]:
    from ir_transfer.conversion.tiles.translate import translate_tiled

    sink = ArraySink(picture.height, picture.width)
    translate_tiled(in_torch(translator), PictureSource(picture), sink, tile=max(tile, SMALLEST_TILE))
    return sink.intensity


def _is_unchanged(entry: Entry, earlier: Entry | None) -> bool:
    """Return whether an earlier run made a result of the same file, companions and masks."""
    if earlier is None or earlier.status != "converted":
        return False
    names = ("input_sha256", "companions_sha256", "masks_sha256", "stored_orientation")
    return all(getattr(earlier, name) == getattr(entry, name) for name in names)


def _output_of(earlier: Entry | None) -> str | None:
    return None if earlier is None else earlier.output_sha256


def blank(job: Job) -> Entry:
    """Return the line of a job of which nothing came yet."""
    variant = None if job.variant is None else asdict(job.variant)
    turn = None if job.turn == 1 else job.turn
    return Entry(job.input, str(job.output), "failed", variant=variant, stored_orientation=turn)


def _memory_error(entry: Entry) -> str:
    size = f"{entry.width} x {entry.height} pixels" if entry.width else "the file"
    return (
        f"{entry.input}: expected enough memory for {size}, got too little: "
        "use --device cpu, --precision bfloat16, fewer --workers, or --model adain or wct2, which work by tiles"
    )
