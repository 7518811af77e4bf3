"""The run itself: an engine processes the images, and this thread records each in the manifest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby

from ir_transfer.conversion.engine.pipeline import Pipeline
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.tasks import Outcome, Task
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.exported.translator import AnyTranslator
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Observer, Options, Summary
from ir_transfer.conversion.plan import Job, Plan
from ir_transfer.conversion.timing import RunTimes
from ir_transfer.errors import EncodeError
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.imaging.remote import public

logger = logging.getLogger(__name__)


class _Silent:
    def start(self, total: int) -> None:
        pass

    def advance(self, error: str | None) -> None:
        pass


class _Windows:
    """Counts the windows of a raster."""

    def __init__(self, tell: Callable[[int, int], None] | None) -> None:
        self._tell = tell
        self._done = self._total = 0

    def start(self, total: int) -> None:
        self._total = total

    def advance(self, error: str | None) -> None:
        self._done += 1
        if self._tell is not None:
            self._tell(self._done, self._total)


class Run:
    """One run: its engine does the work, whatever it is; this thread alone writes the manifest.

    Args:
        options: How to read and write, and by which engine.
        plan: What to do.
        manifest: Where results are recorded; those it holds already may be skipped.
        translator: The model with its styles.
        finish: From intensities to files.
        choose: Completes a job by what its image shows.
        observer: Notified of every input that is done.
        masks: Of the images, if they have any.
        on_window: Called after every window of a raster with the number done and the number of all.
    """

    def __init__(
        self,
        options: Options,
        plan: Plan,
        manifest: Manifest,
        translator: AnyTranslator,
        finish: PostProcess,
        *,
        choose: Callable[[Job, DecodedImage], Job] | None = None,
        observer: Observer | None = None,
        masks: Masks | None = None,
        on_window: Callable[[int, int], None] | None = None,
    ) -> None:
        self.options = options
        self.plan = replace(plan, refused=tuple(map(_public, plan.refused)))
        self.manifest = manifest
        self.observer = observer or _Silent()
        self.worker = Worker(options, plan.out, translator, finish, choose, masks)
        self.on_window = on_window
        self.summary = Summary(plan.out, self.plan)

    def all(self) -> Summary:
        """Process every input of the plan."""
        self.observer.start(len(self.plan.jobs) + len(self.plan.refused))
        for entry in self.plan.refused:
            self._record(Outcome(entry))
        if self.summary.stopped is None:
            self.summary.times = self._engine()(self._tasks())
            logger.info("%s", self.summary.times)
        self._rasters()
        if self.summary.stopped is None:
            try:
                self.manifest.finish(self.plan.order)
            except EncodeError as error:  # its lines are all there, only not in the order of the plan
                self.summary.stopped = error.line
        return self.summary

    def _engine(self) -> Callable[[Iterator[Task]], RunTimes]:
        if self.options.engine == "ray":
            from ir_transfer.conversion.engine.ray_engine import RayEngine

            return RayEngine(self.worker, self._record)
        return Pipeline(self.worker, self._record)

    def _earlier(self, job: Job) -> Entry | None:
        """Return the line of an earlier run, in which the input is named as in this run."""
        entries = self.manifest.entries
        earlier, name = entries.get(job.result), public(job.input)
        if earlier is not None and earlier.input != name:
            entries[job.result] = earlier = replace(earlier, input=name)
        return earlier

    def _tasks(self) -> Iterator[Task]:
        images = (job for job in self.plan.jobs if job.raster is None)
        for _, group in groupby(images, key=lambda job: job.path):
            jobs = tuple(group)
            yield Task(jobs, {job.result: entry for job in jobs if (entry := self._earlier(job)) is not None})

    def _rasters(self) -> None:
        """Translate rasters one by one: each is the work of the whole machine."""
        for job in self.plan.jobs:
            if job.raster is not None and self.summary.stopped is None:
                self._record(self.worker.raster(job, self._earlier(job), _Windows(self.on_window)))

    def _record(self, outcome: Outcome) -> bool:
        """Tell the manifest; return whether to go on."""
        summary = self.summary
        summary.stopped = summary.stopped or outcome.stop
        if outcome.entry is None:
            summary.skipped += 1
            self.observer.advance(None)
        else:
            self._record_entry(_public(outcome.entry))
        return summary.stopped is None

    def _record_entry(self, entry: Entry) -> None:
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
        except EncodeError as error:  # an image without its line is made again by --resume
            self.summary.stopped = error.line


def _public(entry: Entry) -> Entry:
    """Return a line that tells of URLs where local folders stand for them."""
    return replace(entry, input=public(entry.input), error=None if entry.error is None else public(entry.error))
