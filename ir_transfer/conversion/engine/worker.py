"""All processing of one image: read, translate, post-process, write."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.controls import SMALLEST_TILE
from ir_transfer.conversion.engine.budget import Budget, Size
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.rasters import translate_raster
from ir_transfer.conversion.engine.reader import Reader
from ir_transfer.conversion.engine.tasks import (
    Loaded,
    Outcome,
    Task,
    Translation,
    memory_error,
    write_failure,
)
from ir_transfer.conversion.exported.translator import AnyTranslator, in_torch
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Observer, Options
from ir_transfer.conversion.pending import PendingResults, Result
from ir_transfer.conversion.plan import Job
from ir_transfer.conversion.tiles.io import ArraySink, ImageSource
from ir_transfer.conversion.tiles.memory import can_tile, is_out_of_memory, refuse_untiled
from ir_transfer.errors import EncodeError, InputError, IrTransferError
from ir_transfer.imaging.image_io import DecodedImage, write_whole


@dataclass(frozen=True)
class Worker:
    """Processes images independently of manifest, order and progress; can be pickled for other processes.

    Attributes:
        options: How to read and write.
        out: Folder of the results.
        translator: The model with its styles.
        finish: Converts intensities to files.
        choose: Completes a job by the content of its image.
        masks: Masks of the images, if they have any.
    """

    options: Options
    out: Path
    translator: AnyTranslator
    finish: PostProcess
    choose: Callable[[Job, DecodedImage], Job] | None = None
    masks: Masks | None = None

    @cached_property
    def budget(self) -> Budget:
        """Memory limit shared by images and translator."""
        controls = self.options.controls
        masks = 0 if self.masks is None else max(1, len(controls.style_masks))
        steps = bool(self.finish.steps) or self.finish.heat is not None
        return Budget(self.options.size, self.translator, masks, steps)

    @cached_property
    def reader(self) -> Reader:
        """The reading stage."""
        return Reader(self.options, self.out, self.translator, self.budget, self.finish.format, self.choose, self.masks)

    def read(self, task: Task, size: Size | None = None) -> list[Loaded | Outcome]:
        """Read an image; see :meth:`Reader.read`."""
        return self.reader.read(task, size)

    def raster(self, job: Job, earlier: Entry | None, observer: Observer | None = None) -> Outcome:
        """Translate a raster; see :func:`~ir_transfer.conversion.engine.rasters.translate_raster`."""
        return translate_raster(job, earlier, self.options, self.out, self.translator, self.finish, observer)

    def launch(self, batch: Sequence[Loaded]) -> Translation:
        """Start translating images of one kind; a batch that exceeds the memory is split into single images."""
        launched, reason = self._attempt(batch)
        if launched is not None:
            return Translation([(batch, launched)])
        if len(batch) > 1:  # to find out whether one image or the size of the batch was the cause
            return Translation([part for item in batch for part in self.launch([item]).parts])
        return Translation([(batch, Outcome(replace(batch[0].entry, error=reason)))])

    def write(self, item: Loaded, result: Result) -> Outcome:
        """Post-process a result and write its file."""
        entry = item.entry
        try:
            data, heated = self.finish(result, item.job, item.image)
            if heated is not None:
                entry = replace(entry, found=heated.found, heated=heated.changed)
            write_whole(self.out / str(entry.output), data)
        except EncodeError as error:
            return write_failure(entry, error)
        except IrTransferError as error:
            return Outcome(replace(entry, error=f"{entry.input}: {error.line}"))
        except MemoryError:
            return Outcome(replace(entry, error=memory_error(entry)))
        return Outcome(replace(entry, status="converted", output_sha256=hashlib.sha256(data).hexdigest()))

    def _attempt(self, batch: Sequence[Loaded]) -> tuple[PendingResults | None, str | None]:
        """Start translating a batch; return None and the reason if that fails, after releasing its memory."""
        began = time.perf_counter()
        try:
            made = self._at_once(batch)
            if made is None:
                variant = batch[0].job.variant
                translator = self.translator if variant is None else self.translator.of(variant)
                levels = self.finish.bit_depth if self.finish.takes_levels else None
                return translator.launch([item.image for item in batch], levels), None
        except IrTransferError as error:
            return None, f"{batch[0].job.source}: {error.line}"
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            made = None
        reason = None
        if made is None:  # outside of the except clause, where the traceback would keep memory alive
            made, reason = self._smaller(batch)
        return None if made is None else PendingResults.of(made, time.perf_counter() - began), reason

    def _at_once(self, batch: Sequence[Loaded]) -> list[NDArray[np.float32]] | None:
        """Return results that are computed synchronously; None if the images go to the device as a batch."""
        if (masks := batch[0].masks) is not None:  # a batch of one image
            self.budget.tile(self.translator, batch[0].size)  # refuses an image that exceeds the memory
            return [in_torch(self.translator).with_masks(batch[0].image, masks)]
        images, variant = [item.image for item in batch], batch[0].job.variant
        if variant is not None and variant.style is None:
            return [image.gray()[0] for image in images]
        translator = self.translator if variant is None else self.translator.of(variant)
        tile = self.budget.tile(translator, batch[0].size) if len(images) == 1 else None
        if tile is None and images[0].valid is not None and can_tile(translator):  # tiles ignore invalid pixels
            tile = max(images[0].height, images[0].width)
        return None if tile is None else [_by_tiles(translator, images[0], tile)]

    def _smaller(self, batch: Sequence[Loaded]) -> tuple[list[NDArray[np.float32]] | None, str | None]:
        """Translate in tiles an image that exceeded the memory as a whole, if the model supports tiles."""
        reason = memory_error(batch[0].entry)
        if len(batch) > 1 or batch[0].masks is not None:
            return None, reason
        image, variant = batch[0].image, batch[0].job.variant
        translator = self.translator if variant is None else self.translator.of(variant)
        try:
            refuse_untiled(translator)
            return [_by_tiles(translator, image, max(image.height, image.width) // 2)], None
        except InputError:
            return None, reason
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None, reason


def _by_tiles(translator: AnyTranslator, image: DecodedImage, tile: int) -> NDArray[np.float32]:
    from ir_transfer.conversion.tiles.translate import translate_tiled

    sink = ArraySink(image.height, image.width)
    translate_tiled(in_torch(translator), ImageSource(image), sink, tile=max(tile, SMALLEST_TILE))
    return sink.intensity
