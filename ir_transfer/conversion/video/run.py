"""The translation of a clip frame by frame, with a checkpoint about every second of video."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.batches import read_ahead
from ir_transfer.conversion.heat.shift import Heat, Heated
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.translate import Translator
from ir_transfer.conversion.video.options import VideoOptions, VideoSummary
from ir_transfer.conversion.video.probe import FlickerProbe
from ir_transfer.conversion.video.smoothing import CutDetector, StatisticsSmoother, blend
from ir_transfer.conversion.video.source import Frame, Source
from ir_transfer.conversion.video.store import FrameStore
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage, OutputLevels, to_levels
from ir_transfer.imaging.motion import estimate_motion
from ir_transfer.nn.limits import SMALLEST_SIDE

Gray = NDArray[np.float32]

CHECKPOINT_FRAMES = 25
READ_AHEAD = 4


@dataclass(frozen=True)
class _Before:
    """Luma and output of the previous frame, each (H, W) in [0, 1]."""

    luma: Gray
    output: Gray


class VideoRun:
    """Translates the frames of a clip in order, since each depends on the previous ones.

    Args:
        options: Smoothing, flow and flicker report.
        source: Source of the frames.
        store: Stores results and state.
        translator: The model with its style.
        inverted: Whether the polarity of the results is inverted.
        heat: Shifts of apparent intensity by class, if any.
        observer: Notified of every frame.
        summary: Filled in during the run.
    """

    def __init__(
        self,
        options: VideoOptions,
        source: Source,
        store: FrameStore,
        translator: Translator,
        *,
        inverted: bool,
        heat: Heat | None = None,
        observer: Observer,
        summary: VideoSummary,
    ) -> None:
        self.source, self.store, self.translator = source, store, translator
        self.inverted, self.heat, self.observer, self.summary = inverted, heat, observer, summary
        self.cuts = CutDetector()
        smooth = options.smoothing > 0 and translator.has_statistics
        self.smoother = StatisticsSmoother(options.smoothing) if smooth else None
        self.flow = options.flow
        self.probe = FlickerProbe(source.count) if options.report else None
        self.before: _Before | None = None

    def all(self) -> None:
        """Process every frame that is not done yet.

        Raises:
            InputError: No frame, frames of several sizes, or frames that are too small.
            EncodeError: A frame cannot be written.
        """
        self.observer.start(max(self.source.count, self.store.done))
        self._restore()
        frames = self.source.frames(self.store.done)
        # A single thread reads ahead, since a decoder returns frames in order.
        with ThreadPoolExecutor(1) as reader:
            for frame in read_ahead(reader, lambda _: next(frames, None), repeat(None), READ_AHEAD):
                if frame is None:
                    break
                self._take(frame)
                if self.store.done % CHECKPOINT_FRAMES == 0:
                    self._checkpoint()
        self._checkpoint()
        entries = self.store.entries()
        self.summary.frames = sum(entry.output is not None for entry in entries)
        self.summary.damaged = [entry.error for entry in entries if entry.error is not None]
        self.summary.smoothed = self.smoother is not None
        self.summary.flicker = self.probe.report() if self.probe is not None else None

    def _restore(self) -> None:
        tensors = self.store.tensors
        self.cuts.restore(tensors)
        if self.smoother is not None:
            self.smoother.restore(tensors, self.translator.device)
        if self.probe is not None and self.store.sums:
            self.probe.restore(self.store.sums)
        if "before.luma" in tensors:
            self.before = _Before(tensors["before.luma"].numpy(), tensors["before.output"].numpy())
        self.summary.skipped = self.store.done
        for _ in range(self.store.done):
            self.observer.advance(None)

    def _checkpoint(self) -> None:
        tensors = self.cuts.tensors() | (self.smoother.tensors() if self.smoother is not None else {})
        if self.before is not None:
            tensors["before.luma"] = torch.from_numpy(self.before.luma)
            tensors["before.output"] = torch.from_numpy(self.before.output)
        self.store.checkpoint(tensors, self.probe.sums if self.probe is not None else [])

    def _take(self, frame: Frame) -> None:
        if frame.image is None:
            self._replace_damaged(frame)
            return
        image = frame.image
        self._check_size(frame.name, image)
        luma = image.gray()[0]
        output, heated = self._translate(image, luma, frame)
        entry = Entry(
            frame.name,
            frame.output,
            "converted",
            input_sha256=image.sha256 or None,
            width=image.width,
            height=image.height,
            bit_depth=image.bit_depth,
            found=None if heated is None else heated.found,
            heated=None if heated is None else heated.changed,
            reading=image.reading.record(),
        )
        self.store.add(entry, self._levels(output))
        self.before = _Before(luma, output)
        self.observer.advance(None)

    def _translate(self, image: DecodedImage, luma: Gray, frame: Frame) -> tuple[Gray, Heated | None]:
        index = self.store.done
        cut = self.cuts(luma)
        statistics = None
        if self.smoother is not None:
            statistics = self.smoother(lambda: self.translator.statistics(image), frame.time, cut=cut)
        probing = self.probe is not None and self.probe.wants(index)
        if statistics is None:
            output, heated = self._heated(self.translator([image])[0], image, frame)
            alone = output
        else:
            output, heated = self._heated(self.translator.with_statistics(image, statistics), image, frame)
            alone = self._heated(self.translator([image])[0], image, frame)[0] if probing else output
        motion = None
        if self.before is not None and not cut and (self.flow or (self.probe and self.probe.ends_pair(index))):
            motion = estimate_motion(self.before.luma, luma)
            if self.flow:
                output = blend(self.before.luma, self.before.output, luma, output, motion)
        if self.probe is not None and probing:
            self.probe.add(index, luma, output, alone, motion)
        return output, heated

    def _heated(self, output: Gray, image: DecodedImage, frame: Frame) -> tuple[Gray, Heated | None]:
        """Return the output with its objects shifted; the flow, applied later, smooths changes of the detections."""
        if self.heat is None:
            return output, None
        white_hot = self.translator.style.white_hot
        heated = self.heat(output if white_hot else 1 - output, image, Path(frame.name))
        return heated.intensity if white_hot else 1 - heated.intensity, heated

    def _replace_damaged(self, frame: Frame) -> None:
        """Repeat the previous output in place of a frame that cannot be read; without one, omit the frame."""
        if self.probe is not None:
            self.probe.skip()
        if self.before is None:
            error = f"{frame.error}: omitted, since there is no previous frame"
            self.store.add(Entry(frame.name, None, "failed", error=error), None)
        else:
            error = f"{frame.error}: replaced by the previous output"
            self.store.add(Entry(frame.name, frame.output, "failed", error=error), self._levels(self.before.output))
        self.observer.advance(error)

    def _levels(self, output: Gray) -> OutputLevels:
        levels = to_levels(output)
        return (255 - levels).astype(levels.dtype) if self.inverted else levels

    def _check_size(self, name: str, image: DecodedImage) -> None:
        size = image.height, image.width
        if min(size) < SMALLEST_SIDE:
            raise InputError(
                f"{name}: expected sides of at least {SMALLEST_SIDE} pixels, "
                f"got {image.width} x {image.height}: enlarge the clip"
            )
        if self.before is not None and size != self.before.luma.shape:
            height, width = self.before.luma.shape
            raise InputError(
                f"{name}: expected {width} x {height} pixels as the frames before, got {image.width} x "
                f"{image.height}: resize the frames to one size, or split the clip there"
            )
