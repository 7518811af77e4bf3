"""The reading stage of a worker: reads, checks and decodes an image, unless its result exists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ir_transfer.conversion.engine.budget import Budget, Size
from ir_transfer.conversion.engine.tasks import (
    Loaded,
    Outcome,
    Task,
    failed_entry,
    is_unchanged,
    memory_error,
    output_hash_of,
)
from ir_transfer.conversion.exported.translator import AnyTranslator
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Options
from ir_transfer.conversion.plan import Job
from ir_transfer.conversion.tiles.memory import can_tile
from ir_transfer.errors import InputError, IrTransferError
from ir_transfer.imaging.companions import hash_image_companions
from ir_transfer.imaging.header import upright_size
from ir_transfer.imaging.image_io import DecodedImage, Format, decode_image, files_beside, read_bytes
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.raster.kind import holds_raster
from ir_transfer.imaging.read_warnings import file_notes, warn_once
from ir_transfer.imaging.remote import is_remote
from ir_transfer.nn.limits import SMALLEST_SIDE


@dataclass(frozen=True)
class Reader:
    """Reads the images of jobs.

    Attributes:
        options: How to read.
        out: Folder of the results.
        translator: The model with its styles.
        budget: Memory limit shared by images and translator.
        format: File format of the results.
        choose: Completes a job by the content of its image.
        masks: Masks of the images, if they have any.
    """

    options: Options
    out: Path
    translator: AnyTranslator
    budget: Budget
    format: Format
    choose: Callable[[Job, DecodedImage], Job] | None = None
    masks: Masks | None = None

    def read(self, task: Task, size: Size | None = None) -> list[Loaded | Outcome]:
        """Read an image once for all its jobs; jobs that need no translation return an outcome.

        Args:
            task: The image and its jobs.
            size: Size by the header, to refuse images that exceed ``--memory``; None if unknown.
        """
        jobs = task.jobs
        try:
            if size is not None:
                self.budget.refuse(size, str(jobs[0].source))
            data = self._bytes_of(jobs[0].source)
            companions = hash_image_companions(jobs[0].source)
        except IrTransferError as error:
            return [Outcome(replace(failed_entry(job), error=error.line)) for job in jobs]
        except MemoryError:
            return [Outcome(replace(failed_entry(job), error=memory_error(failed_entry(job)))) for job in jobs]
        sha256 = hashlib.sha256(data).hexdigest()
        loaded: list[Loaded | Outcome] = []
        decoded: dict[int | None, DecodedImage] = {}
        for job in jobs:
            entry = replace(failed_entry(job), input_sha256=sha256, companions_sha256=companions)
            one = self._load(job, entry, task.earlier.get(str(job.output)), data, decoded.get(job.page))
            if isinstance(one, Loaded):
                decoded = {job.page: one.image}
            loaded.append(one)
        return loaded

    def _bytes_of(self, source: Path) -> bytes:
        data = read_bytes(source, self.options.max_pixels)
        if is_remote(source) and holds_raster(data, source.name, self.options.max_pixels):
            raise InputError(
                f"{source}: expected an image in remote storage, got a raster: pass its GDAL path, such as "
                "/vsicurl/https://host/name.tif, /vsis3/bucket/name.tif or /vsigs/bucket/name.tif, with a local -o"
            )
        return data

    def _load(
        self, job: Job, entry: Entry, earlier: Entry | None, data: bytes, image: DecodedImage | None
    ) -> Loaded | Outcome:
        try:
            masks_sha256 = self.masks.fingerprint(job.place) if self.masks else None
            entry = replace(entry, masks_sha256=masks_sha256)
            done = self._is_done(job, entry, earlier)
            if done and earlier is not None and earlier.variant == entry.variant:
                return Outcome(None)
            if image is None:
                image = self._decoded(job, data)
                self._report(job, image)
            if min(image.height, image.width) < SMALLEST_SIDE:
                raise InputError(
                    f"{job.source}: expected sides of at least {SMALLEST_SIDE} pixels, "
                    f"got {image.width} x {image.height}: enlarge or remove it"
                )
            self._refuse_large_grid(job, image)
            masks = self.masks.read(job.place, image.height, image.width) if self.masks else None
        except IrTransferError as error:
            return Outcome(replace(entry, error=error.line))
        except MemoryError:
            return Outcome(replace(entry, error=memory_error(entry)))
        job = job if self.choose is None else self.choose(job, image)
        if done and earlier is not None and earlier.variant == failed_entry(job).variant:
            return Outcome(None)  # the variant, chosen by the content, is unchanged
        height, width = upright_size((image.height, image.width), job.turn)
        entry = replace(
            entry,
            variant=failed_entry(job).variant,
            width=width,
            height=height,
            bit_depth=image.bit_depth,
            reading=image.reading.record(),
        )
        return Loaded(job, image, entry, masks)

    def _decoded(self, job: Job, data: bytes) -> DecodedImage:
        asked, source = self.options.raster, job.source
        if found := [name for name, is_asked in (("--cog", asked.cog), ("--overviews", asked.overviews)) if is_asked]:
            raise InputError(
                f"{source}: expected a TIFF or VRT for {' and '.join(found)}, got an image that becomes a "
                f"{self.format.upper()}: omit it, or convert it separately"
            )
        wanted = Wanted(job.page, asked.bands, asked.nodata, files_beside(source))
        return decode_image(data, str(source), self.options.max_pixels, asked.levels, wanted)

    def _report(self, job: Job, image: DecodedImage) -> None:
        notes = image.reading.notes
        notes[:] = file_notes(image, job.source, stretched=self.options.raster.levels is not None)
        if image.valid is not None and not can_tile(self.translator):
            notes.append("its invalid pixels affect the statistics of this model with these options")
        warn_once(notes, job.source)

    def _refuse_large_grid(self, job: Job, image: DecodedImage) -> None:
        cells = sum(map(len, self.translator.grid))
        if cells * image.height * image.width > self.options.max_pixels:
            raise InputError(
                f"{job.source}: expected a grid of at most {self.options.max_pixels} pixels, got {cells} times "
                f"{image.width} x {image.height}: use a smaller --style-grid or image, or raise --max-pixels"
            )

    def _is_done(self, job: Job, entry: Entry, earlier: Entry | None) -> bool:
        if not is_unchanged(entry, earlier):
            return False
        try:
            made = read_bytes(self.out / job.output)
        except IrTransferError:
            return False  # removed or unreadable: it is made again
        return hashlib.sha256(made).hexdigest() == output_hash_of(earlier)
