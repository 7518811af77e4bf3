"""The run: an engine processes the images, and the main thread records each in the manifest."""

import logging
from collections.abc import Callable
from dataclasses import replace

from ir_transfer.conversion.engine.pipeline import Pipeline
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.engine.tasks import Outcome, Tasks
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
from ir_transfer.models.capabilities import Tiles

logger = logging.getLogger(__name__)


class _Silent:
    def start(self, total: int) -> None:
        pass

    def advance(self, error: str | None) -> None:
        pass


class _Windows:
    """Counts the windows of a raster, and reports the number done and the total."""

    def __init__(self, report: Callable[[int, int], None] | None) -> None:
        self._report = report
        self._done = self._total = 0

    def start(self, total: int) -> None:
        self._total = total

    def advance(self, error: str | None) -> None:
        self._done += 1
        if self._report is not None:
            self._report(self._done, self._total)


class Run:
    """Executes a plan with an engine; the caller's thread alone writes the manifest.

    Args:
        options: How to read and write, and the engine.
        plan: Inputs and their results.
        manifest: Records results; results that it already has may be skipped.
        translator: The model with its styles.
        finish: Converts intensities to files.
        choose: Completes a job by the content of its image.
        observer: Notified of every finished input.
        masks: Masks of the images, if they have any.
        on_window: Called after every window of a raster with the number done and the total.
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
        self._heated = 0  # results in which an object was shifted

    def all(self) -> Summary:
        """Process every input of the plan."""
        model = self.worker.translator.model
        if self.options.size.memory is not None and not isinstance(model, Tiles):
            logger.warning(
                "--memory limits reading and writing, but not model %s, which requires the whole image: use adain or "
                "wct2 for a limit of the process",
                model.info.name,
            )
        self.observer.start(len(self.plan.jobs) + len(self.plan.refused))
        for entry in self.plan.refused:
            self._record(Outcome(entry))
        if self.summary.stopped is None:
            self.summary.times = self._engine()(Tasks(self.plan.jobs, self._earlier))
            logger.info("%s", self.summary.times)
        self._rasters()
        self.options.heat.report_unused(self.summary.converted, self._heated)
        if self.summary.stopped is None:
            try:
                self.manifest.finish(self.plan.order)
            except EncodeError as error:  # the lines are complete, but not in the order of the plan
                self.summary.stopped = error.line
        return self.summary

    def _engine(self) -> Callable[[Tasks], RunTimes]:
        if self.options.engine == "ray":
            from ir_transfer.conversion.engine.ray_engine import RayEngine

            return RayEngine(self.worker, self._record)
        return Pipeline(self.worker, self._record)

    def _earlier(self, job: Job) -> Entry | None:
        """Return the line of an earlier run, in which the input is named as in this run."""
        entries = self.manifest.entries
        earlier, name = entries.get(job.result), public(job.input)
        if earlier is not None and earlier.input != name:
            earlier = replace(earlier, input=name)
            try:
                self.manifest.append(earlier)  # held by the file: all inputs are named anew if a set was moved
            except EncodeError:
                entries[job.result] = earlier
        return earlier

    def _rasters(self) -> None:
        """Translate rasters one by one, since each uses the whole machine."""
        for job in self.plan.jobs:
            if job.raster is not None and self.summary.stopped is None:
                self._record(self.worker.raster(job, self._earlier(job), _Windows(self.on_window)))

    def _record(self, outcome: Outcome) -> bool:
        """Record an outcome; return whether to continue."""
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
            self._heated += bool(entry.heated)
        else:
            self.summary.failed += 1
            self.summary.without_result.add(str(entry.output))
            if self.options.fail_fast and self.summary.stopped is None:
                self.summary.stopped = "stopped at the first failure because of --fail-fast; continue with --resume"
        self.observer.advance(entry.error)
        try:
            self.manifest.append(entry)
        except EncodeError as error:  # --resume repeats an image without a line
            self.summary.stopped = error.line


def _public(entry: Entry) -> Entry:
    """Return a line with URLs in place of the local folders that mirror them."""
    return replace(entry, input=public(entry.input), error=None if entry.error is None else public(entry.error))
