"""The run itself: reader threads, the device, writer threads and the manifest, with bounded queues between."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.batches import Batcher, read_ahead
from ir_transfer.conversion.exemplar import SMALLEST_SIDE
from ir_transfer.conversion.finish import Finish
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.masks import Masks, PictureMasks
from ir_transfer.conversion.options import Observer, Options, Summary
from ir_transfer.conversion.plan import Job, Plan
from ir_transfer.conversion.translate import Translator
from ir_transfer.data.image_io import Picture, decode_picture, read_bytes, write_whole
from ir_transfer.errors import EncodeError, InputError, IrTransferError

# After these no later picture can be written either.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class _Silent:
    def start(self, total: int) -> None:
        pass

    def advance(self, error: str | None) -> None:
        pass


@dataclass(frozen=True)
class _Loaded:
    job: Job
    picture: Picture
    masks: PictureMasks | None = None
    masks_sha256: str | None = None


class Run:
    """One run: reader threads, the device in this thread, writer threads, the manifest in this thread.

    Args:
        options: How to read and write.
        plan: What to do.
        manifest: Where it is told; what it holds already may be skipped.
        translator: The model with its styles.
        finish: From intensities to files.
        choose: Completes a job by what its picture shows.
        observer: Told of every input that is dealt with.
        masks: Of the pictures, if they have any.
    """

    def __init__(
        self,
        options: Options,
        plan: Plan,
        manifest: Manifest,
        translator: Translator,
        finish: Finish,
        *,
        choose: Callable[[Job, Picture], Job] | None = None,
        observer: Observer | None = None,
        masks: Masks | None = None,
    ) -> None:
        self.options = options
        self.plan = plan
        self.manifest = manifest
        self.translator = translator
        self.observer = observer or _Silent()
        self.finish = finish
        self.choose = choose
        self.masks = masks
        self.done = dict(manifest.entries)
        self.workers = options.workers or min(4, os.cpu_count() or 1)
        self.writing: deque[Future[Entry]] = deque()
        self.summary = Summary(plan.out, plan)

    def all(self) -> Summary:
        """Deal with every input of the plan."""
        self.observer.start(len(self.plan.jobs) + len(self.plan.refused))
        with ThreadPoolExecutor(self.workers) as readers, ThreadPoolExecutor(self.workers) as writers:
            try:
                self._translate_all(readers, writers)
            finally:  # also on Ctrl-C: what is being written is finished and recorded
                readers.shutdown(wait=False, cancel_futures=True)
                while self.writing:
                    self._record_oldest()
        if self.summary.stopped is None:
            try:
                self.manifest.finish(self.plan.order)
            except EncodeError as error:  # its lines are all there, only not in the order of the plan
                self.summary.stopped = error.line
        return self.summary

    def _translate_all(self, readers: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        for entry in self.plan.refused:
            self._record(entry)
        if self.summary.stopped is not None:
            return
        batcher = Batcher[_Loaded](_alike, lambda key: self.translator.batch_for(*key[0]))
        depth = self.workers + self.translator.batch_for(512, 640)
        pictures = (tuple(jobs) for _, jobs in groupby(self.plan.jobs, key=lambda job: job.source))
        for items in read_ahead(readers, self._read, pictures, depth):
            for item in items:
                if isinstance(item, _Loaded):
                    batch = batcher.add(item)
                    if batch:
                        self._translate(batch, writers)
                else:
                    self._record(item)
                if self.summary.stopped is not None:
                    return
        for batch in batcher.rest():
            self._translate(batch, writers)
            if self.summary.stopped is not None:
                return

    def _read(self, jobs: tuple[Job, ...]) -> list[_Loaded | Entry | None]:
        """Read a picture once for all its jobs; see :meth:`_load` for what it returns for each."""
        try:
            data = read_bytes(jobs[0].source, self.options.max_pixels)
        except IrTransferError as error:
            return [replace(_blank(job), error=error.line) for job in jobs]
        except MemoryError:
            return [replace(_blank(job), error=_memory_error(_blank(job))) for job in jobs]
        sha256 = hashlib.sha256(data).hexdigest()
        loaded: list[_Loaded | Entry | None] = []
        picture: Picture | None = None
        for job in jobs:
            one = self._load(job, data, sha256, picture)
            picture = one.picture if isinstance(one, _Loaded) else picture
            loaded.append(one)
        return loaded

    def _load(self, job: Job, data: bytes, sha256: str, picture: Picture | None) -> _Loaded | Entry | None:
        """Return what a job needs; an entry if that fails, None if an earlier run made it and nothing changed since."""
        entry = replace(_blank(job), input_sha256=sha256)
        try:
            masks_sha256 = self.masks.fingerprint(job.place) if self.masks else None
            entry = replace(entry, masks_sha256=masks_sha256)
            if self._is_done(job, entry):
                return None
            if picture is None:
                picture = decode_picture(data, str(job.source), self.options.max_pixels)
            if min(picture.height, picture.width) < SMALLEST_SIDE:
                raise InputError(
                    f"{job.source}: expected sides of at least {SMALLEST_SIDE} pixels, "
                    f"got {picture.width} x {picture.height}: enlarge or remove it"
                )
            self._refuse_large_grid(job, picture)
            masks = self.masks.read(job.place, picture.height, picture.width) if self.masks else None
        except IrTransferError as error:
            return replace(entry, error=error.line)
        except MemoryError:
            return replace(entry, error=_memory_error(entry))
        return _Loaded(job if self.choose is None else self.choose(job, picture), picture, masks, masks_sha256)

    def _refuse_large_grid(self, job: Job, picture: Picture) -> None:
        cells = sum(map(len, self.translator.grid))
        if cells * picture.height * picture.width > self.options.max_pixels:
            raise InputError(
                f"{job.source}: expected a grid of at most {self.options.max_pixels} pixels, got {cells} times "
                f"{picture.width} x {picture.height}: use a smaller --style-grid or picture, or raise --max-pixels"
            )

    def _is_done(self, job: Job, entry: Entry) -> bool:
        earlier = self.done.get(str(job.output))
        if earlier is None or earlier.status != "converted":
            return False
        if (earlier.input_sha256, earlier.masks_sha256) != (entry.input_sha256, entry.masks_sha256):
            return False
        path = self.plan.out / job.output
        return path.is_file() and hashlib.sha256(read_bytes(path)).hexdigest() == earlier.output_sha256

    def _translate(self, batch: list[_Loaded], writers: ThreadPoolExecutor) -> None:
        results, reason = self._attempt(batch)
        if results is None and len(batch) > 1:  # one picture, or the memory of all together: find out
            for item in batch:
                self._translate([item], writers)
            return
        if results is None:
            self._record(replace(_entry(batch[0]), error=reason))
            return
        for item, intensity in zip(batch, results, strict=True):
            self.writing.append(writers.submit(self._write, item, intensity))
        while len(self.writing) > self.workers + len(batch) or (self.writing and self.writing[0].done()):
            self._record_oldest()

    def _attempt(self, batch: list[_Loaded]) -> tuple[list[NDArray[np.float32]] | None, str | None]:
        """Translate a batch; None and the reason if that fails. On return nothing of a failure holds memory."""
        try:
            if (masks := batch[0].masks) is not None:  # these come one by one
                return [self.translator.with_masks(batch[0].picture, masks)], None
            pictures, variant = [item.picture for item in batch], batch[0].job.variant
            if variant is not None and variant.style is None:
                return [picture.gray()[0] for picture in pictures], None
            return (self.translator if variant is None else self.translator.of(variant))(pictures), None
        except IrTransferError as error:
            return None, f"{batch[0].job.source}: {error.line}"
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            return None, _memory_error(_entry(batch[0]))

    def _write(self, item: _Loaded, intensity: NDArray[np.float32]) -> Entry:
        entry = _entry(item)
        try:
            data = self.finish(intensity, item.job, item.picture)
            write_whole(self.plan.out / str(entry.output), data)
        except EncodeError as error:
            if error.errno in _FATAL:
                self.summary.stopped = (
                    "stopped: no later picture could be written either; mend that, then go on with --resume"
                )
            return replace(entry, error=error.line)
        except IrTransferError as error:
            return replace(entry, error=f"{entry.input}: {error.line}")
        except MemoryError:
            return replace(entry, error=_memory_error(entry))
        return replace(entry, status="converted", output_sha256=hashlib.sha256(data).hexdigest())

    def _record_oldest(self) -> None:
        # Removed only once recorded: an interrupt in between may write a line twice, but never lose one.
        self._record(self.writing[0].result())
        self.writing.popleft()

    def _record(self, entry: Entry | None) -> None:
        if entry is None:
            self.summary.skipped += 1
            self.observer.advance(None)
            return
        if entry.status == "converted":
            self.summary.converted += 1
        else:
            self.summary.failed += 1
            self.summary.without_result.add(str(entry.output))
            if self.options.fail_fast and self.summary.stopped is None:
                self.summary.stopped = "stopped at the first failure, as --fail-fast asks; go on with --resume"
        self.observer.advance(entry.error)
        try:
            self.manifest.append(entry)
        except EncodeError as error:  # a picture without its line is made again by --resume
            self.summary.stopped = error.line


def _alike(item: _Loaded) -> tuple[tuple[int, int], tuple[int | None, float] | None]:
    """Return what pictures of one batch have in common: size, style and strength."""
    variant = item.job.variant
    size = item.picture.height, item.picture.width
    return size, None if variant is None else (variant.style, variant.strength)


def _blank(job: Job) -> Entry:
    variant = None if job.variant is None else asdict(job.variant)
    return Entry(str(job.source), str(job.output), "failed", variant=variant)


def _entry(item: _Loaded) -> Entry:
    picture = item.picture
    return replace(
        _blank(item.job),
        input_sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
        bit_depth=picture.bit_depth,
        masks_sha256=item.masks_sha256,
    )


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "not enough memory" in str(error) or "can't allocate memory" in str(error)


def _memory_error(entry: Entry) -> str:
    size = f"{entry.width} x {entry.height} pixels" if entry.width else "the file"
    return (
        f"{entry.input}: expected enough memory for {size}, got too little: "
        "use --device cpu, --precision bfloat16, fewer --workers or a smaller picture"
    )
